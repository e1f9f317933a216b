import { formatDuration } from '../base/duration.js';
import { count, listWords } from '../base/text.js';
import type { Policy } from '../machine/machine.js';
import { policyOf } from '../machine/policy.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { exitReasons, type ExitReason } from '../spec/vm-spec.js';

/** What follows a boot of one target: an edge that leaves it. */
export type Exit =
  /** Another boot. `byBhyve`: monitor mode, in which bhyve restarts the guest and vmrun sees nothing of it. */
  | { readonly kind: 'boot'; readonly reasons: readonly ExitReason[]; readonly to: string; readonly byBhyve?: true }
  /** The run ends: reasons that `reboot_on` does not name. */
  | { readonly kind: 'end'; readonly reasons: readonly ExitReason[] }
  /** The budget of `restart` is spent: the target of `on_give_up`, or the end of the run where `to` is absent. */
  | {
      readonly kind: 'give-up';
      readonly reasons: readonly ExitReason[];
      readonly limit: { readonly max: number; readonly windowMs: number };
      readonly to?: string;
    };

/** A target as a state: what may follow a boot of it. */
export interface BootTarget {
  readonly name: string;
  /** A run that starts where the graph starts can come to it. */
  readonly isReached: boolean;
  /** Boots in the order of their first reason, then the end, then giving up. */
  readonly exits: readonly Exit[];
}

/** The boot sequence of a spec: targets as states, the reasons of bhyve's exit as edges. */
export interface BootGraph {
  /** The VM. */
  readonly name: string;
  /** Target of the first boot. */
  readonly start: string;
  /** In the order of the spec. */
  readonly targets: readonly BootTarget[];
}

/**
 * What the spec says of the order of boots; what the command line may say over it (`--no-reboot`) is not in it.
 * @param start target of the first boot, one of `spec.targets`
 */
export function bootGraph(spec: Spec, start: string = defaultTarget): BootGraph {
  const exits = new Map(
    spec.targets.map((name) => {
      const { vm } = spec.effective(name);
      return [name, exitsOf(name, policyOf(vm), vm.monitor)];
    }),
  );
  const reached = reachedFrom(start, exits);
  return {
    name: spec.name,
    start,
    targets: spec.targets.map((name) => ({ name, isReached: reached.has(name), exits: exits.get(name) ?? [] })),
  };
}

/** The table of `decide` in src/supervisor/policy.ts, turned into edges; edges that no run can take are left out. */
function exitsOf(name: string, policy: Policy, isMonitored: boolean): readonly Exit[] {
  const { rebootOn, nextTarget, restart, onGiveUp } = policy;
  const { max, windowMs } = restart;
  const again = exitReasons.filter((reason) => rebootOn.includes(reason));
  const others = exitReasons.filter((reason) => !rebootOn.includes(reason) && !(isMonitored && reason === 'reboot'));
  const boots = new Map<string, ExitReason[]>();
  // With a budget of none, the first reboot is one too many.
  for (const reason of max === 0 ? [] : again) {
    const to = nextTarget[reason] ?? name;
    boots.set(to, [...(boots.get(to) ?? []), reason]);
  }
  // Nothing is ever within a window of no time.
  const givesUp = max !== undefined && (max === 0 || windowMs > 0) && again.length > 0;
  return [
    ...(isMonitored ? [{ kind: 'boot' as const, reasons: ['reboot' as const], to: name, byBhyve: true as const }] : []),
    ...[...boots].map(([to, reasons]) => ({ kind: 'boot' as const, reasons, to })),
    ...(others.length > 0 ? [{ kind: 'end' as const, reasons: others }] : []),
    ...(givesUp
      ? [
          {
            kind: 'give-up' as const,
            reasons: again,
            limit: { max, windowMs },
            // A target that would give up to itself stops.
            ...(onGiveUp === undefined || onGiveUp === name ? {} : { to: onGiveUp }),
          },
        ]
      : []),
  ];
}

/** The target that an exit leads to; undefined: the run ends. */
export const destinationOf = (exit: Exit): string | undefined => (exit.kind === 'end' ? undefined : exit.to);

function reachedFrom(start: string, exits: ReadonlyMap<string, readonly Exit[]>): ReadonlySet<string> {
  const reached = new Set([start]);
  for (const name of reached) {
    for (const exit of exits.get(name) ?? []) {
      const to = destinationOf(exit);
      // A set is walked to what is added on the way.
      if (to !== undefined) reached.add(to);
    }
  }
  return reached;
}

/** An edge's label: `triple_fault, error`; after the boots, what ends the run is the rest. */
export function exitWords(exit: Exit): string {
  switch (exit.kind) {
    case 'boot':
      return exit.byBhyve === true ? 'reboot, by bhyve itself' : bootWords(exit.reasons);
    case 'end':
      return endWords(exit.reasons);
    case 'give-up': {
      const { max, windowMs } = exit.limit;
      return max === 0 ? 'instead of any reboot' : `after ${count(max, 'reboot')} in ${formatDuration(windowMs)}`;
    }
  }
}

function bootWords(reasons: readonly ExitReason[]): string {
  const others = exitReasons.filter((reason) => !reasons.includes(reason));
  if (others.length === 0) return 'any reason';
  return others.length < 3 ? `any reason but ${others.join(', ')}` : reasons.join(', ');
}

function endWords(reasons: readonly ExitReason[]): string {
  if (reasons.length === exitReasons.length) return 'any reason';
  return reasons.length > 3 ? 'any other reason' : reasons.join(', ');
}

/** The same as a sentence that names every reason: `default, on triple_fault or error: rescue boots`. */
export function exitSentence(target: string, exit: Exit): string {
  const to = destinationOf(exit);
  const follows = to === undefined ? 'the run ends' : `${to} boots${to === target ? ' again' : ''}`;
  const isNamed = exit.kind !== 'give-up' && !(exit.kind === 'boot' && exit.byBhyve === true);
  return `${target}, ${isNamed ? `on ${listWords(exit.reasons, 'or')}` : exitWords(exit)}: ${follows}`;
}
