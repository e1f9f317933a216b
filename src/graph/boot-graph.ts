import { formatDuration } from '../base/duration.js';
import { groupBy } from '../base/group-by.js';
import { count, listWords } from '../base/text.js';
import { nextBoots, reachedFrom, type NextBoots } from '../machine/next-boots.js';
import { policyOf } from '../fields/policy.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { exitReasons, type ExitReason } from '../fields/exits.js';

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
  const next = new Map(
    spec.targets.map((name) => {
      const { vm } = spec.effective(name);
      return [name, { boots: nextBoots(name, policyOf(vm)), isMonitored: vm.monitor }];
    }),
  );
  const reached = reachedFrom([start], (name) => next.get(name)?.boots ?? { after: new Map() });
  return {
    name: spec.name,
    start,
    targets: [...next].map(([name, { boots, isMonitored }]) => ({
      name,
      isReached: reached.has(name),
      exits: exitsOf(name, boots, isMonitored),
    })),
  };
}

/** What may follow a boot, as edges; those that no run can take are left out. */
function exitsOf(name: string, { after, giveUp }: NextBoots, isMonitored: boolean): readonly Exit[] {
  const reasons = [...after.keys()];
  // With a budget of none, the first reboot is one too many.
  const boots = giveUp?.max === 0 ? [] : [...groupBy(reasons, (reason) => after.get(reason) ?? name)];
  const others = exitReasons.filter((reason) => !after.has(reason) && !(isMonitored && reason === 'reboot'));
  return [
    ...(isMonitored ? [{ kind: 'boot' as const, reasons: ['reboot' as const], to: name, byBhyve: true as const }] : []),
    ...boots.map(([to, ends]) => ({ kind: 'boot' as const, reasons: ends, to })),
    ...(others.length > 0 ? [{ kind: 'end' as const, reasons: others }] : []),
    ...(giveUp === undefined ? [] : [giveUpExit(reasons, giveUp)]),
  ];
}

const giveUpExit = (reasons: readonly ExitReason[], { to, ...limit }: NonNullable<NextBoots['giveUp']>): Exit => ({
  kind: 'give-up',
  reasons,
  limit,
  ...(to === undefined ? {} : { to }),
});

/** The target that an exit leads to; undefined: the run ends. */
export const destinationOf = (exit: Exit): string | undefined => (exit.kind === 'end' ? undefined : exit.to);

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
