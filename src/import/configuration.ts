import type { ConfigNode } from '../bhyve/config-node.js';
import { openConfig } from '../bhyve/config-tree.js';
import { parseFwCfgItem } from '../bhyve/fwcfg.js';
import { readOptions } from '../bhyve/getopt.js';
import { emptyOutput } from '../bhyve/outcome.js';
import { parseCommandLine, type Trace } from '../bhyve/parse.js';
import { splitAtFirst } from '../bhyve/pci-legacy.js';
import { traitsOf, type Platform } from '../bhyve/releases.js';
import { prefixesOf } from '../bhyve/trace.js';
import type { FirmwareItem as ReadItem } from '../fields/readers/reader.js';
import { isKnown } from '../machine/config.js';

/** What the guest reads by the firmware's own interface, as it was written behind the option. */
interface FirmwareItem extends ReadItem {
  readonly option: string;
}

/** What bhyve makes of a command line. */
export interface Configuration {
  readonly platform: Platform;
  /** Every variable as a device reads it: references expanded, and gone where they only served to be referred to. */
  readonly variables: ReadonlyMap<string, string>;
  /** The same as it was set. */
  readonly raw: ReadonlyMap<string, string>;
  readonly items: readonly FirmwareItem[];
  /** `-l com1` without a backend: it breaks the whole `lpc` node, and no variable can say it. */
  readonly bareOptions: readonly (readonly [option: string, argument: string])[];
  /** The argument of the option that set a variable last. */
  readonly setBy: ReadonlyMap<string, string>;
  /** What a `%(…)` refers to and is not there, with the variable that says it: bhyve puts nothing in its place. */
  readonly unresolved: readonly { readonly reference: string; readonly variable: string }[];
}

type ReadConfiguration =
  | { readonly ok: true; readonly configuration: Configuration }
  /** bhyve would refuse it, or print a list and end. */
  | { readonly ok: false; readonly messages: readonly string[] };

interface CommandContext {
  readonly platform: Platform;
  readonly readFile: (path: string) => string | undefined;
}

/** pci_virtio_scsi.c of release 16 opens a target without expanding it. */
const isLiteral = (key: string): boolean => /^pci\.\d+\.\d+\.\d+\.target\.\d+$/.test(key);

/** Reads bhyve's words as bhyve of a release does. */
export function readConfiguration(argv: readonly string[], { platform, readFile }: CommandContext): ReadConfiguration {
  const sorted = sortOptions(argv, platform);
  if ('messages' in sorted) return { ok: false, messages: sorted.messages };
  const tracker = settersTracker();
  const parsed = parseCommandLine(sorted.argv, { ...platform, readFile, trace: tracker.trace });
  if (parsed.kind === 'help') return { ok: false, messages: ['it only prints a list, and ends'] };
  if (parsed.kind === 'failed') return { ok: false, messages: parsed.messages };
  const reader = openConfig(parsed.tree, emptyOutput());
  const helpers = helpersIn(parsed.config);
  const variables = [...parsed.config].flatMap(([key, value]) =>
    helpers.has(key) ? [] : [[key, isLiteral(key) ? value : (reader.get(key) ?? value)] as const],
  );
  const { items, bareOptions } = sorted;
  return {
    ok: true,
    configuration: {
      platform,
      variables: new Map(variables),
      raw: parsed.config,
      items,
      bareOptions,
      setBy: tracker.settersIn(parsed.tree),
      unresolved: unresolvedIn(parsed.config),
    },
  };
}

function unresolvedIn(config: ReadonlyMap<string, string>): Configuration['unresolved'] {
  return [...config].flatMap(([variable, value]) =>
    isLiteral(variable)
      ? []
      : [...value.matchAll(/\\.|%\(([^)]*)\)/gs)].flatMap(([, reference]) =>
          reference === undefined || config.has(reference) ? [] : [{ reference, variable }],
        ),
  );
}

/** Remembers the argument of the option that sets each variable. */
function settersTracker() {
  const setters = new Map<ConfigNode, Map<string, string>>();
  let argument: string | undefined;
  const trace: Trace = {
    output: emptyOutput(),
    option: (option) => {
      argument = option?.argument;
    },
    set: (node, name) => {
      if (argument === undefined) return;
      const names = setters.get(node) ?? new Map<string, string>();
      setters.set(node, names.set(name, argument));
    },
  };
  const settersIn = (root: ConfigNode): ReadonlyMap<string, string> =>
    new Map(
      [...prefixesOf(root)].flatMap(([node, prefix]) =>
        [...(setters.get(node) ?? [])].map(([name, setter]) => [prefix + name, setter] as const),
      ),
    );
  return { trace, settersIn };
}

/** Variables that bhyve does not know, and that others refer to: `-o disk=/vm/%(name).img -s 3,virtio-blk,%(disk)`. */
const helpersIn = (config: ReadonlyMap<string, string>): ReadonlySet<string> =>
  new Set(
    [...config.values()]
      .flatMap((value) => [...value.matchAll(/%\(([^)]+)\)/g)].map(([, name = '']) => name))
      .filter((name) => !isKnown(name) && !name.startsWith('pci.')),
  );

interface SortedOptions {
  readonly argv: readonly string[];
  readonly items: readonly FirmwareItem[];
  readonly bareOptions: Configuration['bareOptions'];
}

/** Takes out what leaves no trace in the configuration, in the same order as bhyve reads it. */
function sortOptions(
  argv: readonly string[],
  platform: Platform,
): SortedOptions | { readonly messages: readonly string[] } {
  const rest: string[] = [];
  const items: FirmwareItem[] = [];
  const bareOptions: (readonly [string, string])[] = [];
  const letters = traitsOf(platform).optionLetters;
  for (const event of readOptions(argv, letters)) {
    switch (event.kind) {
      case 'error':
        // The whole line is what bhyve complains about.
        return { argv, items, bareOptions };
      case 'operands':
        return { argv: [...rest, '--', ...event.operands], items, bareOptions };
      case 'option': {
        const { letter, argument } = event;
        if (letter === 'f' && platform.arch === 'amd64') {
          const output = emptyOutput();
          if (!parseFwCfgItem(argument, () => '', output)) return { messages: output.stderr };
          items.push(itemOf(argument));
        } else if (letter === 'l' && /^com[1-4]$/i.test(argument)) {
          bareOptions.push(['-l', argument]);
        } else {
          rest.push(`-${letter}`);
          if (letters.includes(`${letter}:`)) rest.push(argument);
        }
      }
    }
  }
  return { argv: rest, items, bareOptions };
}

function itemOf(text: string): FirmwareItem {
  const [name, value = ''] = splitAtFirst(text.startsWith('name=') ? text.slice('name='.length) : text, ',');
  const [kind, content = ''] = splitAtFirst(value, '=');
  return { name, ...(kind === 'file' ? { file: content } : { string: content }), option: text };
}
