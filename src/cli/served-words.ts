import { quoteWord } from '../base/shell.js';

/** What `stdio` is where nobody wrote it. */
export const servedWords = (name: string): string =>
  `stdio is two FIFOs here, by which vmrun serves the console: vmrun console ${quoteWord(name)}`;
