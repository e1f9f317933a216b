import path from 'node:path';
import type { ImportContext, OriginalText } from '../original.js';
import { datastoreOf } from './guest.js';
import { linesOf } from './settings.js';

/** A virtual switch as vm-bhyve keeps it in its own file. */
export interface Switch {
  /** As written: standard, manual, vale, netgraph, vxlan. */
  readonly kind: string;
  /** Of a manual switch. */
  readonly bridge?: string;
  readonly isPrivate: boolean;
  readonly mtu?: string;
  /** Whether the file knows the switch. */
  readonly isListed: boolean;
}

type Switches = (name: string) => Switch;

/** @returns undefined where the file of vm-bhyve cannot be read, as where its guest was copied from another host */
export function readSwitches(source: OriginalText, { readFile }: ImportContext): Switches | undefined {
  const text = readFile(path.posix.join(datastoreOf(source), '.config/system.conf'));
  if (text === undefined) return undefined;
  const settings = new Map(
    linesOf(text)
      .toReversed()
      .map(({ name, value }) => [name, value]),
  );
  const listed = (settings.get('switch_list') ?? '').split(/\s+/);
  return (name) => {
    const [bridge, mtu] = [settings.get(`bridge_${name}`), settings.get(`mtu_${name}`)];
    return {
      kind: settings.get(`type_${name}`) ?? 'standard',
      isPrivate: !/^(no|off|false|0|)$/i.test(settings.get(`private_${name}`) ?? ''),
      isListed: listed.includes(name),
      ...(bridge === undefined ? {} : { bridge }),
      ...(mtu === undefined || mtu === '' ? {} : { mtu }),
    };
  };
}
