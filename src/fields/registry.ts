import { groupBy } from '../base/group-by.js';
import { autostart } from './autostart.js';
import { hostbridge, lpcSlot } from './bridges.js';
import { config } from './config.js';
import { comPorts } from './consoles.js';
import { cpu } from './cpu.js';
import { cpuPin } from './cpu-pin.js';
import { extraOptions } from './extra-options.js';
import type { Field, Order } from './field.js';
import { bootrom, fwcfg, varfile } from './firmware.js';
import { flags } from './flags.js';
import { fwCfgFiles } from './fw-cfg-files.js';
import { gdb } from './gdb.js';
import { graphic, keyboard } from './graphic.js';
import { smbios, uuid } from './guest-identity.js';
import { hooks, postStartScript } from './hooks.js';
import { arch, name, release } from './identity.js';
import { loader, loaderTimeout } from './loader.js';
import { mem } from './memory.js';
import { numa } from './numa.js';
import { nextTarget, onGiveUp, rebootOn } from './reboot.js';
import { restart, stopTimeout } from './restart.js';
import { emulations, schemaOfEditors, targets } from './structure.js';
import { tpm } from './tpm.js';
import type { VmSpec } from './vm-spec.js';

/** A root field, over the whole spec of a target. */
export type AnyField = Field<VmSpec>;

/** Every root field, in the order of the schema. */
export const fields: readonly AnyField[] = [
  schemaOfEditors,
  name,
  arch,
  release,
  cpu,
  cpuPin,
  mem,
  numa,
  bootrom,
  varfile,
  loader,
  loaderTimeout,
  tpm,
  fwcfg,
  fwCfgFiles,
  hostbridge,
  lpcSlot,
  ...comPorts,
  gdb,
  uuid,
  graphic,
  ...flags,
  keyboard,
  smbios,
  config,
  extraOptions,
  nextTarget,
  rebootOn,
  restart,
  onGiveUp,
  stopTimeout,
  autostart,
  hooks,
  postStartScript,
  emulations,
  targets,
];

/** The fields in one of their orders: each behind the one that it says it comes after, or else as in the registry. */
export function inOrderOf(order: Order): readonly AnyField[] {
  const followers = groupBy(fields, ({ after }) => after?.[order]);
  const from = (before?: string): readonly AnyField[] =>
    (followers.get(before) ?? []).flatMap((field) => [field, ...from(field.name)]);
  return from();
}

let ofCommand: readonly AnyField[] | undefined;

/** The same in the order of bhyve's command, looked up once. */
export const fieldsOfCommand = (): readonly AnyField[] => (ofCommand ??= inOrderOf('command'));
