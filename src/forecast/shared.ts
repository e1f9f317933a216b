import type { ConfigNode } from '../bhyve/config-node.js';
import { openConfig } from '../bhyve/config-tree.js';
import { record } from '../bhyve/foretell/recording.js';
import { emptyOutput } from '../bhyve/outcome.js';
import { parseCommandLine } from '../bhyve/parse.js';
import type { Machine } from '../machine/machine.js';
import { twinWords, type TwinWords } from '../machine/twins.js';
import { isSame, namesIn, type Name } from './names.js';

/** Two devices of a machine with one name of something that only one of them can have; or one that hangs on a folder. */
export interface Shared {
  readonly words: TwinWords;
  readonly kind: Name['kind'] | 'folder';
  /** The word of the command in which the option begins that says it; undefined: none does. */
  readonly index: number | undefined;
  readonly otherIndex: number | undefined;
}

/**
 * What devices of a finished command share and cannot: whoever says it, in a field or in bhyve's own words.
 * @returns each with the later of the two
 */
export function sharedIn({ argv, release, arch }: Machine, readFile: (path: string) => string): readonly Shared[] {
  const recording = record();
  const parsed = parseCommandLine(argv, { release, arch, readFile, trace: recording.trace });
  if (parsed.kind !== 'parsed') return [];
  const setters = recording.setters(parsed.tree);
  const holders = new Map<string, Name[]>();
  const names = namesIn(expanded(parsed.tree, parsed.config.keys()));
  const relative = names.flatMap(({ madeOf, owner, value }): readonly Shared[] =>
    madeOf === undefined || madeOf.path.startsWith('/')
      ? []
      : [
          {
            words: folderWords(owner, madeOf.path, value),
            kind: 'folder',
            index: setters.get(madeOf.variable),
            otherIndex: undefined,
          },
        ],
  );
  const shared = names.flatMap((name): readonly Shared[] => {
    const alike = holders.get(keyOf(name)) ?? [];
    holders.set(keyOf(name), [...alike, name]);
    const holder = alike.find((other) => isSame(name, other));
    if (holder === undefined) return [];
    const [index, otherIndex] = [name, holder].map(({ variable }) => setters.get(variable));
    return [{ words: wordsOf(name, holder), kind: name.kind, index, otherIndex }];
  });
  return [...relative, ...shared];
}

/** A field that names a file is told bhyve in full; its own words are passed on as they are. */
const folderWords = (owner: string, path: string, serial: string): TwinWords => ({
  code: 'relative-path',
  message: `bhyve makes the serial number of ${owner} (${serial}) of its path as written, and looks for ${path} in the folder where vmrun is started`,
  fix: 'write the path in full, or use a device of the spec in place of these words',
});

/** Of those that may be the same. */
const keyOf = ({ kind, value }: Name): string => `${kind} ${kind === 'port' ? (value.split(' ')[1] ?? '') : value}`;

/** As bhyve reads it; what it warns of is told elsewhere. */
function expanded(tree: ConfigNode, names: Iterable<string>): ReadonlyMap<string, string> {
  const config = openConfig(tree, emptyOutput());
  return new Map([...names].map((name) => [name, config.get(name) ?? '']));
}

function wordsOf(name: Name, holder: Name): TwinWords {
  const { kind, value } = name;
  const other = holder.owner;
  switch (kind) {
    case 'mac':
    case 'serial': {
      const isOneFile = [name, holder].every(
        ({ madeOf }) => madeOf?.isCd === false && madeOf.path === name.madeOf?.path,
      );
      const isItself = name.owner === other;
      return twinWords({
        ...{ kind, value, isOneFile: isOneFile && !isItself },
        other: isItself ? 'another drive of the same controller' : other,
        whose: `${name.owner}: its`,
      });
    }
    case 'interface':
      return {
        code: 'interface-twice',
        message: `${value} is already the interface of ${other}: bhyve opens it once, and ends with 4`,
        fix: 'give each network card an interface of its own',
      };
    case 'tty':
      return {
        code: 'console-twice',
        message: `${name.owner} and ${other} are both ${value}: each gets some of what is typed`,
        fix: 'use another backend for one of them',
      };
    case 'port':
      return {
        code: 'port-twice',
        message: `TCP port ${value.split(' ')[1] ?? ''} of ${name.owner} is already that of ${other}`,
        fix: 'give each a port of its own',
      };
    case 'socket':
      return {
        code: 'socket-twice',
        message: `${value} is already a socket of ${other}`,
        fix: 'give each a socket of its own',
      };
    case 'card':
      return {
        code: 'card-twice',
        message: `${value} is already the card of ${other}`,
        fix: 'give each passthru device a card of its own',
      };
  }
}
