import type { PciAddress } from '../../base/pci-address.js';
import type { Need, Requirement } from '../../devices/device.js';
import type { MachineRequirement } from '../../machine/machine.js';
import type { Asked, HostFinding, HostFix, ProbeAnswer } from './findings.js';
import { checkFiles } from './probes/files.js';
import { checkHostCards } from './probes/host-cards.js';
import { checkInterfaces } from './probes/interfaces.js';
import { checkKernel } from './probes/kernel.js';
import { checkModules } from './probes/modules.js';
import { checkPorts } from './probes/ports.js';
import { checkPrivilege } from './probes/privilege.js';
import { checkPrograms } from './probes/programs.js';
import { checkSockets } from './probes/sockets.js';
import { checkSpace } from './probes/space.js';
import type { HostView } from './view.js';

/** What a host lacks for one machine. */
export interface HostReport {
  /** In the order of the requirements; tools that gave no answer come first. */
  readonly findings: readonly HostFinding[];
  /** The host card of each `host-card` requirement that names one which can be passed through, on ppt already or not. */
  readonly cards: ReadonlyMap<MachineRequirement, PciAddress>;
}

/**
 * Says everything that stands between a host and a machine: this one, live, or another that was recorded. Changes
 * nothing. One judge a kind of need, or several, whatever the number of devices, all at once; the view looks at what
 * they ask for.
 * @returns findings, never an exception for what the host looks like: a tool that is missing is a finding as well
 */
export async function checkHost(
  requirements: readonly MachineRequirement[],
  { view }: { readonly view: HostView },
): Promise<HostReport> {
  const kernel = (): Promise<ProbeAnswer> =>
    checkKernel(ofKind(requirements, 'memory', 'vcpus', 'iommu', 'virtualization'), view);
  const judges: Readonly<Record<Need['kind'], () => Promise<ProbeAnswer>>> = {
    file: () => checkFiles(ofKind(requirements, 'file'), view),
    interface: () => checkInterfaces(ofKind(requirements, 'interface'), view),
    'free-socket': () => checkSockets(ofKind(requirements, 'free-socket'), view),
    'host-card': () => checkHostCards(ofKind(requirements, 'host-card'), view),
    program: () => checkPrograms(ofKind(requirements, 'program'), view),
    module: () => checkModules(ofKind(requirements, 'module'), view),
    'tcp-port': () => checkPorts(ofKind(requirements, 'tcp-port'), view),
    memory: kernel,
    vcpus: kernel,
    iommu: kernel,
    virtualization: kernel,
    privilege: () => checkPrivilege(ofKind(requirements, 'privilege'), view),
    space: () => checkSpace(ofKind(requirements, 'space'), view),
  };
  const answers = await Promise.all([...new Set(Object.values(judges))].map((judge) => judge()));
  const order = new Map(requirements.map((requirement, index) => [requirement, index]));
  const position = ({ requirement }: HostFinding): number =>
    requirement === undefined ? -1 : (order.get(requirement) ?? requirements.length);
  return {
    findings: answers.flatMap(({ findings }) => findings).sort((a, b) => position(a) - position(b)),
    cards: new Map(answers.flatMap(({ cards }) => [...(cards ?? [])])),
  };
}

/** Nothing was found that keeps bhyve from starting; there may be warnings. */
export const isReady = ({ findings }: HostReport): boolean =>
  findings.every(({ problem }) => problem.severity !== 'error');

/**
 * The fixes of some findings, each once, in the order to apply them: modules first, since vmm brings the ppt driver
 * that a card is given to.
 */
export function fixesOf(findings: readonly HostFinding[]): readonly HostFix[] {
  const isModule = ({ requirement }: HostFinding): boolean => requirement?.need.kind === 'module';
  const ordered = [...findings.filter(isModule), ...findings.filter((found) => !isModule(found))];
  return [...new Set(ordered.flatMap(({ fix }) => (fix === undefined ? [] : [fix])))];
}

const ofKind = <Kind extends Need['kind']>(
  requirements: readonly MachineRequirement[],
  ...kinds: readonly Kind[]
): readonly Asked<Kind>[] =>
  requirements.flatMap((requirement) =>
    isOfKind(requirement.need, kinds) ? [{ requirement, need: requirement.need }] : [],
  );

const isOfKind = <Kind extends Need['kind']>(
  need: Requirement,
  kinds: readonly Kind[],
): need is Extract<Requirement, { readonly kind: Kind }> => kinds.some((kind) => need.kind === kind);
