import type { Problem } from '../../base/problem.js';
import type { Platform } from '../../devices/device.js';
import { loadSpecText } from '../../machine/load-spec.js';
import { draftText, type Draft } from './draft.js';

/** The options that answer a question, or say what none asks for. */
export const fields = ['name', 'cpu', 'mem', 'disk', 'iso', 'net', 'bridge'] as const;
export type Field = (typeof fields)[number];

/** The five questions, in their order. */
export const questions: readonly { readonly field: Field; readonly text: string }[] = [
  { field: 'name', text: 'Name of the VM' },
  { field: 'mem', text: 'Memory' },
  { field: 'disk', text: 'Disk image, or none' },
  { field: 'iso', text: 'Installation CD, an ISO image, or none' },
  { field: 'net', text: 'Network interface, or none' },
];

/** The word for no disk, CD, interface or bridge. */
const none = 'none';

/** What is meant where nothing is said. The disk is named after the VM, and is beside the spec. */
export const draftNamed = (name: string): Draft => ({
  ...{ name, cpus: 2, memory: '2G', disk: `${name}.img`, iso: undefined, net: 'tap0', bridge: undefined },
});

/** What an empty answer to a question means, as it is shown. */
export function defaultAnswer(field: Field, { name, cpus, memory, disk, iso, net, bridge }: Draft): string {
  return String({ name, cpu: cpus, mem: memory, disk, iso, net, bridge }[field] ?? none);
}

/** The draft with an answer in it. @param fileName turns a file name that was typed into that of the spec */
export function withAnswer(draft: Draft, field: Field, typed: string, fileName: (typed: string) => string): Draft {
  switch (field) {
    case 'name':
      return { ...draft, name: typed };
    case 'cpu':
      return { ...draft, cpus: /^\d{1,9}$/.test(typed) ? Number(typed) : typed };
    case 'mem':
      return { ...draft, memory: typed };
    case 'disk':
    case 'iso':
      return { ...draft, [field]: typed === none ? undefined : fileName(typed) };
    case 'net':
    case 'bridge':
      return { ...draft, [field]: typed === none ? undefined : typed };
  }
}

/** What the schema and the plan say against a draft, the first of it; undefined where it would run. */
export async function objection(draft: Draft, host: Partial<Platform>): Promise<Problem | undefined> {
  const text = draftText(draft, 'json');
  const loaded = await loadSpecText({ name: 'the spec', text, format: 'json', resolveFile: (file) => file }, host);
  return loaded.ok ? undefined : loaded.problems.find(({ severity }) => severity === 'error');
}
