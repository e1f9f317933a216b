/** What can be done to a guest that runs. */
export type GuestAct = 'power-button' | 'reset' | 'pause' | 'resume' | 'nmi';
