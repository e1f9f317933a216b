import { greatest } from '../../base/long-lists.js';
import { quoteWord } from '../../base/shell.js';
import { asLines, type OwnText } from '../paint.js';

interface Written {
  /** The spec, as it is named from here. */
  readonly file: string;
  /** The disk image, as it is named from here, where there is none yet. */
  readonly missingDisk: string | undefined;
  /** The same of the CD. */
  readonly missingCd: string | undefined;
  readonly hasInstall: boolean;
}

const diskSize = '20G';

/** What to do once a first spec is written: commands with what they do. */
export function nextSteps({ file, missingDisk, missingCd, hasInstall }: Written): OwnText {
  const spec = quoteWord(file);
  const steps: readonly (readonly [command: string, why: string])[] = [
    ...(missingDisk === undefined ? [] : [[createDisk(missingDisk), 'create the disk'] as const]),
    [`vmrun check ${spec}${hasInstall ? ' --all-targets' : ''}`, 'see what is missing on the host'],
    [`vmrun -c ${spec} --simulate`, 'try it without bhyve'],
    ...(hasInstall ? [[`vmrun -c ${spec} -t install`, 'install from the CD'] as const] : []),
    [`vmrun -c ${spec}`, 'run it'],
  ];
  const width = greatest(steps.map(([command]) => command.length).filter((length) => length <= 50));
  return asLines([
    `vmrun: ${file} is written; what to do next:`,
    ...(missingCd === undefined ? [] : [`  put the installation CD at ${missingCd}`]),
    // Three blanks make a column, which goes to the next line as a whole where it has no room.
    ...steps.map(([command, why]) => `  ${command.padEnd(width)}   ${why}`),
  ]);
}

/** A ZFS volume has its device by itself; everything else that is not there yet is a file. */
function createDisk(disk: string): string {
  const [, volume] = /^\/dev\/zvol\/(.+)$/.exec(disk) ?? [];
  return volume === undefined
    ? `truncate -s ${diskSize} ${quoteWord(disk)}`
    : `zfs create -V ${diskSize} ${quoteWord(volume)}`;
}
