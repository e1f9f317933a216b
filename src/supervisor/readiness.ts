import { checkHost } from '../host/look/check.js';
import { commandOf, type HostFinding } from '../host/look/findings.js';
import { withoutTools } from '../host/look/foreign-view.js';
import type { HostView } from '../host/look/view.js';
import type { Machine } from '../machine/machine.js';
import { nameProblems, type RunRecords } from './name-in-use.js';

/** Where to look. */
export interface ReadinessOptions {
  /** This host, `liveView`, or one that was captured, `recordedView`. */
  readonly view: HostView;
  /** Absent for a host that was captured elsewhere. */
  readonly records?: RunRecords;
  /** FreeBSD's tools may be asked though the system is another. Default: false. */
  readonly hasBhyve?: boolean;
}

/** What stands between a host and one target of a VM. */
export interface TargetReadiness {
  readonly target: string;
  /** What concerns the VM's name first. */
  readonly findings: readonly HostFinding[];
  /** A run would start bhyve now, after what the spec lets it fix; there may be warnings. */
  readonly isReady: boolean;
}

/**
 * Says what a run of each machine would find, and changes nothing: a running VM is left in peace. The view looks once
 * for all of them.
 */
export async function readiness(
  machines: readonly Machine[],
  { view, records, hasBhyve = false }: ReadinessOptions,
): Promise<readonly TargetReadiness[]> {
  const isForeign = view.system !== 'freebsd' && !hasBhyve;
  const seen = isForeign ? withoutTools(view) : view;
  return Promise.all(
    machines.map(async (machine) => {
      const [problems, { findings }] = await Promise.all([
        nameProblems(machine, seen, records),
        checkHost(machine.requirements, { view: seen }),
      ]);
      const all: readonly HostFinding[] = [
        ...problems.map((problem) => ({ problem, mayFix: false })),
        // Tools that are missing because this is no FreeBSD are one finding.
        ...(isForeign
          ? [noBhyve(view), ...findings.filter(({ problem }) => problem.code !== 'host-tool')]
          : findings
        ).map(asOfAStart),
      ];
      return {
        target: machine.target,
        findings: all,
        isReady: all.every(({ problem }) => problem.severity !== 'error'),
      };
    }),
  );
}

/** What a start fixes without being asked stands in no start's way. */
const asOfAStart = (found: HostFinding): HostFinding =>
  found.mayFix && found.fix !== undefined
    ? {
        ...found,
        problem: {
          ...found.problem,
          severity: 'warning',
          fix: `none is needed: with "fix": true a start runs ${commandOf(found.fix.action)}`,
        },
      }
    : found;

const noBhyve = ({ system }: HostView): HostFinding => ({
  problem: {
    code: 'no-bhyve',
    severity: 'error',
    message: `this system is ${system}: interfaces, cards and kernel modules were not checked`,
    fix: 'try the spec with --simulate, or check it for a FreeBSD host that was captured with vmrun facts: --host FILE',
  },
  mayFix: false,
});
