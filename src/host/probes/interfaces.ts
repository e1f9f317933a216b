import { listWords } from '../../base/text.js';
import { finding, fixable, fixFor, toolFinding, type Asked, type HostFinding, type ProbeAnswer } from '../findings.js';
import { askTool, type ToolAnswer } from '../tool-answer.js';
import type { RunTool } from '../tools.js';

/** A network interface as ifconfig(8) shows it. */
export interface NetworkInterface {
  readonly name: string;
  /** A cloned interface is in the group of its kind whatever its name: `tap`, `bridge`. */
  readonly groups: readonly string[];
  /** The processes that have its device open. */
  readonly pids: readonly number[];
}

export type Interfaces = ReadonlyMap<string, NetworkInterface>;

/** One `ifconfig` for all: without arguments it shows every interface, with its groups and who has it open. */
export async function checkInterfaces(asked: readonly Asked<'interface'>[], run: RunTool): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await listInterfaces(run);
  const holders = new Map<string, Asked<'interface'>>();
  const findings = asked.flatMap((one) => {
    const { name } = one.need;
    const holder = holders.get(name);
    if (holder !== undefined) return [usedTwice(one, holder)];
    holders.set(name, one);
    return answer.ok ? checkInterface(one, answer.value.get(name)) : [];
  });
  return { findings: answer.ok ? findings : [toolFinding(answer.error, [...holders.keys()]), ...findings] };
}

export const listInterfaces = (run: RunTool): Promise<ToolAnswer<Interfaces>> =>
  askTool(run, ['ifconfig'], 'list of interfaces', parseIfconfig);

/**
 * Reads `ifconfig`: a line `name: flags=…` begins an interface, indented lines tell about it. Other lines are passed
 * over.
 * @returns undefined where there is text and none of it begins an interface
 */
export function parseIfconfig(text: string): Interfaces | undefined {
  const interfaces = new Map<string, NetworkInterface>();
  let current: NetworkInterface | undefined;
  for (const line of text.split('\n')) {
    const name = /^(\S+): flags=/.exec(line)?.[1];
    if (name !== undefined) {
      current = { name, groups: [], pids: [] };
    } else if (current !== undefined && /^\s/.test(line)) {
      const groups = /^\s+groups: (.*)$/.exec(line)?.[1];
      const pid = /^\s+Opened by PID (\d+)/.exec(line)?.[1];
      if (groups !== undefined) current = { ...current, groups: groups.trim().split(/\s+/) };
      if (pid !== undefined) current = { ...current, pids: [...current.pids, Number(pid)] };
    } else {
      current = undefined;
    }
    if (current !== undefined) interfaces.set(current.name, current);
  }
  return interfaces.size === 0 && text.trim() !== '' ? undefined : interfaces;
}

const usedTwice = (one: Asked<'interface'>, holder: Asked<'interface'>): HostFinding =>
  finding(one, {
    code: 'interface-twice',
    message: `${one.need.name} is already the interface of ${holder.requirement.subject}`,
    fix: 'give each network card an interface of its own',
  });

function checkInterface(one: Asked<'interface'>, found: NetworkInterface | undefined): readonly HostFinding[] {
  if (found === undefined) return [missing(one)];
  if (!isTap(found)) return [wrongKind(one, found)];
  if (found.pids.length === 0) return [];
  return [
    finding(one, {
      code: 'interface-in-use',
      message: `${found.name} is open in ${openIn(found)}`,
      fix: `stop ${found.pids.length === 1 ? 'that process' : 'those processes'}, or use another ${one.need.type}`,
    }),
  ];
}

/** `process 812`, `processes 812 and 813`. */
export const openIn = ({ pids }: NetworkInterface): string =>
  `${pids.length === 1 ? 'process' : 'processes'} ${listWords(pids.map(String))}`;

/** if_tuntap(4) drives both kinds, and bhyve opens both alike. Releases that show no groups leave the name. */
const isTap = ({ name, groups }: NetworkInterface): boolean =>
  groups.length === 0 ? cloned.test(name) : groups.includes('tap') || groups.includes('vmnet');

const cloned = /^(?:tap|vmnet)(?:0|[1-9]\d*)$/;

function missing(one: Asked<'interface'>): HostFinding {
  const { name, type } = one.need;
  // `tap7 create` makes that very unit; any other name is given to the next free one.
  const argv = cloned.test(name) ? ['ifconfig', name, 'create'] : ['ifconfig', type, 'create', 'name', name];
  const fix = fixFor(one, { kind: 'run', argv }, { kind: 'destroy-interface', name });
  return fixable(one, { code: 'interface-missing', message: `there is no interface ${name}` }, fix);
}

function wrongKind(one: Asked<'interface'>, { name, groups }: NetworkInterface): HostFinding {
  const { type } = one.need;
  if (groups.includes('bridge')) {
    return finding(one, {
      code: 'interface-kind',
      message: `${name} is a bridge, bhyve opens a ${type}`,
      fix: `name a ${type} here, and put it into the bridge: ifconfig ${name} addm ${type}0 up`,
    });
  }
  return finding(one, {
    code: 'interface-kind',
    message: `${name} is no ${type}${groups.length === 0 ? '' : ` (groups: ${groups.join(' ')})`}`,
    fix: `name a ${type} here; a bridge(4) connects it with ${name}`,
  });
}
