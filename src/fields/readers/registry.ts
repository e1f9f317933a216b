import { fields } from '../registry.js';
import { comConnections, gdbConnections, readCom, readGdb, readSmbios } from './board.js';
import {
  bootromConnections,
  fwCfgFilesConnections,
  readBootrom,
  readFwCfgFiles,
  readFwcfg,
  readTpm,
  readVarfile,
  tpmConnections,
  varfileConnections,
} from './firmware.js';
import { readFlag, readNoMpTable } from './flags.js';
import { loaderConnections } from './loader.js';
import { readCpu, readCpuPin, readMem, readNuma, readWiring } from './machine.js';
import { plain, type FieldConnections, type ReadField } from './reader.js';

/** The fields that take code to be told from a configuration; a flag says it all in its line of the family. */
const own: Readonly<Record<string, ReadField>> = {
  cpu: readCpu,
  mem: readMem,
  cpu_pin: readCpuPin,
  numa: readNuma,
  bootrom: readBootrom,
  varfile: readVarfile,
  fwcfg: readFwcfg,
  fw_cfg_files: readFwCfgFiles,
  tpm: readTpm,
  uuid: plain('uuid'),
  smbios: readSmbios,
  com1: readCom('com1'),
  com2: readCom('com2'),
  com3: readCom('com3'),
  com4: readCom('com4'),
  keyboard: plain('keyboard.layout'),
  wire_guest_mem: readWiring,
  disable_mptable_gen: readNoMpTable,
  gdb: readGdb,
};

/** How each root field is told from a configuration; those are absent that nothing in one says. */
export const fieldReaders: readonly (readonly [field: string, read: ReadField])[] = fields.flatMap(
  ({ name, flag, schema }) => {
    const read = own[name] ?? (flag === undefined ? undefined : readFlag(flag, schema.default));
    return read === undefined ? [] : [[name, read] as const];
  },
);

/** What the machine is connected to by its root fields, as pictures show it: behind the LPC bridge, and by itself. */
export const fieldConnections: Readonly<Record<'board' | 'machine', readonly FieldConnections[]>> = {
  board: [bootromConnections, varfileConnections, comConnections, tpmConnections, fwCfgFilesConnections],
  machine: [loaderConnections, gdbConnections],
};
