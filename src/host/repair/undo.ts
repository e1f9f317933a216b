import { quoteCommand } from '../../base/shell.js';
import { unreachable } from '../../base/unreachable.js';
import { pciSelector, type Undo } from '../look/findings.js';
import { liveView } from '../look/live-view.js';
import { openIn } from '../look/probes/interfaces.js';
import { describeFailure } from '../process/tool-answer.js';
import type { RunTool } from '../process/tools.js';

/** `gone`: there was nothing to take back any more. */
type UndoOutcome =
  { readonly kind: 'undone' } | { readonly kind: 'gone' } | { readonly kind: 'failed'; readonly error: string };

/**
 * Takes changes back, one call each. It looks first: a change that was never made, or that somebody took back or
 * replaced meanwhile, is left alone. One look a kind serves all calls, so one undoer is for one moment.
 */
export function makeUndoer(run: RunTool): (undo: Undo) => Promise<UndoOutcome> {
  const view = liveView({ run });
  const destroyed = new Set<string>();
  const removed = new Set<string>();

  async function destroyInterface(name: string): Promise<UndoOutcome> {
    const answer = await view.interfaces();
    if (!answer.ok) return { kind: 'failed', error: answer.error };
    const found = answer.value.get(name);
    if (found === undefined || destroyed.has(name)) return { kind: 'gone' };
    // ifconfig would wait until it is closed.
    if (found.pids.length > 0) return { kind: 'failed', error: `${name} is still open in ${openIn(found)}` };
    const outcome = await act(run, ['ifconfig', name, 'destroy']);
    if (outcome.kind === 'undone') destroyed.add(name);
    return outcome;
  }

  async function removeMember({ bridge, member }: Extract<Undo, { readonly kind: 'remove-member' }>) {
    const answer = await view.interfaces();
    if (!answer.ok) return { kind: 'failed', error: answer.error } as const;
    const isMember = answer.value.get(bridge)?.members.includes(member) === true;
    const done = `${bridge} ${member}`;
    // A bridge forgets a member that is destroyed.
    if (!isMember || destroyed.has(member) || destroyed.has(bridge) || removed.has(done))
      return { kind: 'gone' } as const;
    const outcome = await act(run, ['ifconfig', bridge, 'deletem', member]);
    if (outcome.kind === 'undone') removed.add(done);
    return outcome;
  }

  async function releaseCard(undo: Extract<Undo, { readonly kind: 'release-card' }>): Promise<UndoOutcome> {
    const answer = await view.cards();
    if (!answer.ok) return { kind: 'failed', error: answer.error };
    const selector = pciSelector(undo.address);
    const card = answer.value.find(({ domain, address }) => domain === 0 && pciSelector(address) === selector);
    // A driver other than ppt, the former or another, was not our doing. None is what a change that failed leaves.
    const isOurs = card !== undefined && (card.driver === 'ppt' || card.driver === undefined);
    if (!isOurs || card.driver === undo.formerDriver) return { kind: 'gone' };
    // Not "set driver": that would pin the card to its former driver, while this lets the kernel choose as before.
    return act(run, ['devctl', 'clear', 'driver', '-f', selector]);
  }

  return (undo) => {
    switch (undo.kind) {
      case 'destroy-interface':
        return destroyInterface(undo.name);
      case 'remove-member':
        return removeMember(undo);
      case 'release-card':
        return releaseCard(undo);
      default:
        return unreachable(undo);
    }
  };
}

async function act(run: RunTool, argv: readonly string[]): Promise<UndoOutcome> {
  const result = await run(argv);
  return result.exitCode === 0 ? { kind: 'undone' } : { kind: 'failed', error: describeFailure(result) };
}

/** The command that takes a change back, for people to run. */
export function undoCommand(undo: Undo): string {
  switch (undo.kind) {
    case 'destroy-interface':
      return quoteCommand(['ifconfig', undo.name, 'destroy']);
    case 'remove-member':
      return quoteCommand(['ifconfig', undo.bridge, 'deletem', undo.member]);
    case 'release-card':
      return `devctl clear driver -f ${pciSelector(undo.address)}`;
    default:
      return unreachable(undo);
  }
}
