/**
 * Why one life of bhyve ended, as the spec's `reboot_on` and `next_target` name it: bhyve(8), EXIT STATUS. The first
 * five are the statuses 0 to 4, in order.
 */
export const exitReasons = ['reboot', 'power_off', 'halt', 'triple_fault', 'error', 'suspend', 'signal'] as const;
/** Why one life of bhyve ended, in the words of the spec. */
export type ExitReason = (typeof exitReasons)[number];
