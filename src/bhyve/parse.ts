import { type ConfigNode, emptyNode } from './config-node.js';
import { listVariables, openConfig } from './config-tree.js';
import type { ReadFile } from './files.js';
import { readCommandLine, showUsage } from './read-command-line.js';
import { BhyveExit, type CrashSignal, type Output, emptyOutput, exitUsage, warn } from './outcome.js';
import { type Platform, traitsOf } from './releases.js';
import type { Trace } from './trace.js';

export type { ConfigNode } from './config-node.js';
export type { CrashSignal } from './outcome.js';
export type { Arch, Platform, Release } from './releases.js';
export type { Trace } from './trace.js';

export interface ParseOptions extends Platform {
  /** For the files that `-k` and `-f …,file=` name. */
  readonly readFile: ReadFile;
  readonly trace?: Trace;
  /** An empty one, for those who want what was set before a refusal. */
  readonly tree?: ConfigNode;
}

/** bhyve refuses, and ends. */
export interface Failure {
  readonly kind: 'failed';
  /** Lines on stderr, warnings that came before included. */
  readonly messages: readonly string[];
  /** Lines on stdout: a few refusals are told there. */
  readonly stdout: readonly string[];
  /** Exit status, or 128 + number of the signal. */
  readonly status: number;
  /** Set where bhyve crashes. */
  readonly signal?: CrashSignal;
}

/** What bhyve makes of its command line. */
export type ParsedCommandLine =
  | {
      readonly kind: 'parsed';
      /** For the checks of a start. */
      readonly tree: ConfigNode;
      /** Every variable with its raw text, sorted by name: what `config.dump` would print. */
      readonly config: ReadonlyMap<string, string>;
      /** `config.dump` is set: bhyve prints the configuration and ends with 1. */
      readonly isDumpAsked: boolean;
      /** Lines on stderr. */
      readonly warnings: readonly string[];
    }
  | Failure
  | {
      /** `-h`, `-s help`, `-l help`. */
      readonly kind: 'help';
      readonly messages: readonly string[];
      readonly stdout: readonly string[];
      readonly status: 0;
    };

/**
 * Reads bhyve's command line (without argv[0]) as bhyve of a release reads it: everything up to the point where
 * `config.dump` would print. Nothing is touched but the files that the command line names.
 */
export function parseCommandLine(argv: readonly string[], options: ParseOptions): ParsedCommandLine {
  const output = options.trace?.output ?? emptyOutput();
  const tree = options.tree ?? emptyNode();
  try {
    const isDumpAsked = readInto(tree, argv, options, output);
    return { kind: 'parsed', tree, config: listVariables(tree), isDumpAsked, warnings: output.stderr };
  } catch (error) {
    if (!(error instanceof BhyveExit)) throw error;
    const { status } = error;
    return status === 0
      ? { kind: 'help', messages: output.stderr, stdout: output.stdout, status }
      : failure(error, output);
  }
}

/** A refusal with what was printed before it. */
export const failure = ({ status, signal }: BhyveExit, { stderr, stdout }: Output): Failure => ({
  kind: 'failed',
  messages: stderr,
  stdout,
  status,
  ...(signal === undefined ? {} : { signal }),
});

/** @returns whether `config.dump` is set */
function readInto(tree: ConfigNode, argv: readonly string[], options: ParseOptions, output: Output): boolean {
  const { trace, readFile } = options;
  const config = openConfig(tree, output, trace);
  for (const [variable, value] of traitsOf(options).defaults) config.set(variable, value);
  const operands = readCommandLine(argv, { config, output, platform: options, readFile, trace });
  for (const [old, current, warning] of aliases(options)) {
    if (config.get(old) === undefined || config.get(current) !== undefined) continue;
    warn(output, warning);
    config.set(current, config.get(old) ?? '');
  }
  const usage = (): never => showUsage({ output, platform: options }, exitUsage);
  const [name] = operands;
  if (operands.length > 1) usage();
  if (name !== undefined) config.set('name', name);
  if (config.get('name') === undefined) usage();
  return config.bool('config.dump', false);
}

/** Variables that a release renamed: the old one is copied, unless the new one is set too. */
function aliases({ release, arch }: Platform): readonly (readonly [old: string, current: string, warning: string])[] {
  const renamed = (old: string, current: string): readonly [string, string, string] => [
    old,
    current,
    release === 15
      ? `${old} is deprecated, use '-o ${current}' instead`
      : `'${old}' is deprecated, use '${current}' instead`,
  ];
  const bootrom = [renamed('lpc.bootrom', 'bootrom'), renamed('lpc.bootvars', 'bootvars')];
  return [
    ...(arch === 'amd64' && release !== 14 ? bootrom : []),
    ...(release === 16 ? [renamed('virtio_msix', 'virtio.msix'), renamed('monitor', 'monitor.enabled')] : []),
  ];
}
