/** A network interface as ifconfig(8) shows it. */
export interface NetworkInterface {
  readonly name: string;
  /** A cloned interface is in the group of its kind whatever its name: `tap`, `bridge`. Old releases show no groups. */
  readonly groups: readonly string[];
  /** The processes that have its device open. */
  readonly pids: readonly number[];
  readonly isUp: boolean;
  readonly mtu?: number;
  readonly description?: string;
  /** The interfaces that a bridge connects. */
  readonly members: readonly string[];
}

/** By name. */
export type Interfaces = ReadonlyMap<string, NetworkInterface>;

/**
 * Reads `ifconfig`: a line `name: flags=…` begins an interface, indented lines tell about it. Other lines are passed
 * over.
 * @returns undefined where there is text and none of it begins an interface
 */
export function parseIfconfig(text: string): Interfaces | undefined {
  const interfaces = new Map<string, NetworkInterface>();
  let current: NetworkInterface | undefined;
  for (const line of text.split('\n')) {
    if (/^\s/.test(line)) current = current === undefined ? undefined : withDetail(current, line);
    else current = parseHeader(line);
    if (current !== undefined) interfaces.set(current.name, current);
  }
  return interfaces.size === 0 && text.trim() !== '' ? undefined : interfaces;
}

/** `tap0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500` */
function parseHeader(line: string): NetworkInterface | undefined {
  const [, name, flags = ''] = /^(\S+): flags=(\S*)/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const mtu = /\smtu (\d{1,9})\b/.exec(line)?.[1];
  return {
    name,
    groups: [],
    pids: [],
    isUp: /[<,]UP[,>]/.test(flags),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    members: [],
  };
}

function withDetail(one: NetworkInterface, line: string): NetworkInterface {
  const [, label = '', rest = ''] = /^\s+(groups: |member: |description: |Opened by PID )(.*)$/.exec(line) ?? [];
  switch (label) {
    case 'groups: ':
      return { ...one, groups: words(rest) };
    case 'member: ':
      return { ...one, members: [...one.members, ...words(rest).slice(0, 1)] };
    case 'description: ':
      return { ...one, description: rest };
    case 'Opened by PID ': {
      const pid = /^\d{1,9}/.exec(rest)?.[0];
      return pid === undefined ? one : { ...one, pids: [...one.pids, Number(pid)] };
    }
    default:
      return one;
  }
}

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');
