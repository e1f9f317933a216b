import { listWords } from '../../base/text.js';
import { finding, fixable, fixFor, toolFinding, type Asked, type HostFinding, type ProbeAnswer } from '../findings.js';
import type { HostView } from '../view.js';
import type { NetworkInterface } from './ifconfig.js';

/** Taps: there, of a right kind, open in no other process, and each for one device. */
export async function checkInterfaces(asked: readonly Asked<'interface'>[], view: HostView): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await view.interfaces();
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
