import path from 'node:path';
import type { Problem } from '../../base/problem.js';
import type { ImportContext, Source } from '../original.js';
import type { Properties } from '../properties.js';

/** What is gathered on the way to the command line of one guest. */
export interface Guest {
  readonly source: Source;
  readonly name: string;
  readonly properties: Properties;
  readonly context: ImportContext;
  readonly isUefi: boolean;
  readonly notes: Problem[];
}

/** vm-bhyve keeps what belongs to a guest in its folder, where this file is. */
export const inGuest = ({ folder }: Source, name: string): string => path.posix.join(folder, name);
