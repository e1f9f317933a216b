import { resolve } from 'node:path';
import type { HostAsks, HostFacts } from './facts.js';
import type { HostView } from './view.js';

/** Facts whose relative paths start at a folder, that of their file, as facts with absolute paths. */
export const factsIn = (folder: string, facts: HostFacts): HostFacts => ({
  ...facts,
  files: inFolder(folder, facts.files),
  sockets: inFolder(folder, facts.sockets),
  freeBytes: inFolder(folder, facts.freeBytes),
});

const inFolder = <T>(folder: string, byPath: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(byPath).map(([path, fact]) => [resolve(folder, path), fact]));

/** A view of absolute paths, for somebody whose relative paths start at a folder. */
export const viewFrom = (folder: string, view: HostView): HostView => ({
  ...view,
  file: (path) => view.file(resolve(folder, path)),
  program: (program) => view.program(program.includes('/') ? resolve(folder, program) : program),
  socket: (path) => view.socket(resolve(folder, path)),
  freeBytes: (path) => view.freeBytes(resolve(folder, path)),
});

/** What to capture for somebody whose relative paths start at a folder, so that the facts are good anywhere. */
export const asksFrom = (folder: string, { paths, sockets, ports }: HostAsks): HostAsks => ({
  paths: paths.map((path) => resolve(folder, path)),
  sockets: sockets.map((path) => resolve(folder, path)),
  ports,
});
