import { quoteCommand } from '../../../base/shell.js';
import { listWords } from '../../../base/text.js';
import { finding, fixable, fixFor, toolFinding, type Asked, type HostFinding, type ProbeAnswer } from '../findings.js';
import type { HostView } from '../view.js';
import type { Interfaces, NetworkInterface } from './ifconfig.js';

/** Taps: there, of a right kind, open in no other process, each for one device, and in the bridge that it is to be in. */
export async function checkInterfaces(asked: readonly Asked<'interface'>[], view: HostView): Promise<ProbeAnswer> {
  if (asked.length === 0) return { findings: [] };
  const answer = await view.interfaces();
  const rules = await rulesOf(view);
  const holders = new Map<string, Asked<'interface'>>();
  const findings = asked.flatMap((one) => {
    const { name } = one.need;
    const holder = holders.get(name);
    if (holder !== undefined) return [usedTwice(one, holder)];
    holders.set(name, one);
    return answer.ok ? [...mayNotOpen(one, rules), ...checkInterface(one, answer.value, rules)] : [];
  });
  return { findings: answer.ok ? findings : [toolFinding(answer.error, [...holders.keys()]), ...findings] };
}

const usedTwice = (one: Asked<'interface'>, holder: Asked<'interface'>): HostFinding =>
  finding(one, {
    code: 'interface-twice',
    message: `${one.need.name} is already the interface of ${holder.requirement.subject}`,
    fix: 'give each network card an interface of its own',
  });

/** How the kernel treats taps: tap(4). What it does not say is taken to be no obstacle. */
interface TapRules {
  /** A tap that is opened stays down unless somebody brings it up. */
  readonly staysDown: boolean;
  /** The number of a user who may not open one. */
  readonly refused?: number;
}

async function rulesOf(view: HostView): Promise<TapRules> {
  const answer = view.system === 'freebsd' ? await view.sysctls() : undefined;
  const value = (name: string): string | undefined => (answer?.ok === true ? answer.value.get(name) : undefined);
  const { uid } = view;
  const isRefused = uid !== undefined && uid !== 0 && value('net.link.tap.user_open') === '0';
  return { staysDown: value('net.link.tap.up_on_open') === '0', ...(isRefused ? { refused: uid } : {}) };
}

const mayNotOpen = (one: Asked<'interface'>, { refused }: TapRules): readonly HostFinding[] =>
  refused === undefined
    ? []
    : [
        finding(one, {
          code: 'interface-access',
          message: `user ${refused} may not open ${one.need.name}: net.link.tap.user_open is 0`,
          fix: `sysctl net.link.tap.user_open=1, and let the user read and write /dev/${one.need.name}; or run vmrun as root`,
        }),
      ];

/** A tap that is down carries nothing, and bhyve says nothing. */
function bringUp(one: Asked<'interface'>, tap: NetworkInterface | undefined, { staysDown }: TapRules) {
  if (!staysDown || tap?.isUp === true) return [];
  const { name } = one.need;
  const message = `${name} ${tap === undefined ? 'will be' : 'is'} down, and stays down when bhyve opens it (net.link.tap.up_on_open is 0)`;
  const fix = fixFor(one, { kind: 'run', argv: ['ifconfig', name, 'up'] });
  return [fixable(one, { code: 'interface-down', severity: 'warning', message }, fix)];
}

/** Adding a member brings a bridge up as well. */
function bridgeDown(one: Asked<'interface'>, bridge: NetworkInterface): readonly HostFinding[] {
  if (bridge.isUp || !bridge.members.includes(one.need.name)) return [];
  const fix = fixFor(one, { kind: 'run', argv: ['ifconfig', bridge.name, 'up'] });
  return [
    fixable(one, { code: 'bridge-down', severity: 'warning', message: `the bridge ${bridge.name} is down` }, fix),
  ];
}

function checkInterface(one: Asked<'interface'>, all: Interfaces, rules: TapRules): readonly HostFinding[] {
  const { name, mtu, bridge: wanted } = one.need;
  const tap = all.get(name);
  const obstacle = tap === undefined ? undefined : obstacleOf(one, tap);
  const own =
    obstacle === undefined ? [...(tap === undefined ? [missing(one)] : []), ...bringUp(one, tap, rules)] : [obstacle];
  if (wanted === undefined) return tap === undefined ? [...own, ...newMtu(one, mtu)] : own;
  const bridge = all.get(wanted);
  if (bridge === undefined) return [...own, noSuchBridge(one, wanted)];
  if (!isBridge(bridge)) return [...own, notABridge(one, bridge)];
  // A tap that is no tap, or somebody else's, is put into no bridge.
  if (obstacle !== undefined) return own;
  const ownMtu = tap === undefined ? newMtu(one, bridge.mtu, bridge) : differentMtu(one, tap, bridge);
  return [...own, ...ownMtu, ...guestMtu(one, bridge), ...bridgeDown(one, bridge), ...membership(one, bridge, all)];
}

/** Why a tap that is there cannot serve the device. */
function obstacleOf(one: Asked<'interface'>, found: NetworkInterface): HostFinding | undefined {
  if (!isTap(found)) return wrongKind(one, found);
  if (found.pids.length === 0) return undefined;
  return finding(one, {
    code: 'interface-in-use',
    message: `${found.name} is open in ${openIn(found)}`,
    fix: `stop ${found.pids.length === 1 ? 'that process' : 'those processes'}, or use another ${one.need.type}`,
  });
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
    message: `${name} is not a ${type}${groups.length === 0 ? '' : ` (groups: ${groups.join(' ')})`}`,
    fix: `name a ${type} here; a bridge(4) connects it with ${name}`,
  });
}

/** Releases that show no groups leave the name. */
const isBridge = ({ name, groups }: NetworkInterface): boolean =>
  groups.length === 0 ? bridgeUnit.test(name) : groups.includes('bridge');

const bridgeUnit = /^bridge(?:0|[1-9]\d*)$/;

/** A bridge is the network of many VMs, so making one is for people. */
const noSuchBridge = (one: Asked<'interface'>, name: string): HostFinding =>
  finding(one, {
    code: 'bridge-missing',
    message: `there is no bridge ${name}`,
    fix: bridgeUnit.test(name)
      ? `ifconfig ${name} create`
      : quoteCommand(['ifconfig', 'bridge', 'create', 'name', name]),
  });

const notABridge = (one: Asked<'interface'>, { name, groups }: NetworkInterface): HostFinding =>
  finding(one, {
    code: 'bridge-kind',
    message: `${name} is not a bridge${groups.length === 0 ? '' : ` (groups: ${groups.join(' ')})`}`,
    fix: 'name a bridge; ifconfig -g bridge lists them',
  });

/** An interface is in one bridge at most. */
function membership(one: Asked<'interface'>, bridge: NetworkInterface, all: Interfaces): readonly HostFinding[] {
  const { name } = one.need;
  if (bridge.members.includes(name)) return [];
  const other = [...all.values()].find(({ members }) => members.includes(name));
  if (other !== undefined) {
    return [
      finding(one, {
        code: 'bridge-other',
        message: `${name} is a member of ${other.name}, not of ${bridge.name}`,
        fix: `use another bridge or ${one.need.type}, or remove it there: ${quoteCommand(['ifconfig', other.name, 'deletem', name])}`,
      }),
    ];
  }
  const fix = fixFor(
    one,
    { kind: 'run', argv: ['ifconfig', bridge.name, 'addm', name, 'up'] },
    { kind: 'remove-member', bridge: bridge.name, member: name },
  );
  return [fixable(one, { code: 'bridge-member', message: `${name} is not a member of ${bridge.name}` }, fix)];
}

/** What a tap has when it is made. */
const defaultMtu = 1500;

/** A tap that is to be made gets the MTU of its bridge, which takes no other, or the one that the guest is told of. */
function newMtu(one: Asked<'interface'>, mtu = defaultMtu, bridge?: NetworkInterface): readonly HostFinding[] {
  if (mtu === defaultMtu) return [];
  const { name } = one.need;
  const fix = fixFor(one, { kind: 'run', argv: ['ifconfig', name, 'mtu', String(mtu)] });
  const message = `${name} must have the MTU of ${bridge === undefined ? 'the guest' : bridge.name}, ${mtu}`;
  return [fixable(one, { code: 'interface-mtu', severity: 'warning', message }, fix)];
}

function differentMtu(
  one: Asked<'interface'>,
  tap: NetworkInterface,
  bridge: NetworkInterface,
): readonly HostFinding[] {
  if (tap.mtu === undefined || bridge.mtu === undefined || tap.mtu === bridge.mtu) return [];
  return [
    finding(one, {
      code: 'interface-mtu',
      severity: 'warning',
      message: `${tap.name} has an MTU of ${tap.mtu}, its bridge ${bridge.name} one of ${bridge.mtu}`,
      fix: quoteCommand(['ifconfig', tap.name, 'mtu', String(bridge.mtu)]),
    }),
  ];
}

function guestMtu(one: Asked<'interface'>, bridge: NetworkInterface): readonly HostFinding[] {
  const { mtu } = one.need;
  if (mtu === undefined || bridge.mtu === undefined || mtu <= bridge.mtu) return [];
  return [
    finding(one, {
      code: 'guest-mtu',
      severity: 'warning',
      message: `the guest is told an MTU of ${mtu}, the bridge ${bridge.name} has one of ${bridge.mtu}`,
      fix: `set "mtu" to at most ${bridge.mtu}, or give every member of the bridge a larger one`,
    }),
  ];
}
