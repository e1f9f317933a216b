import { ahci } from './ahci.js';
import { ahciCd } from './ahci-cd.js';
import { ahciHd } from './ahci-hd.js';
import type { AnyDeviceModel } from './device.js';
import { e1000 } from './e1000.js';
import { fbuf } from './fbuf.js';
import { hda } from './hda.js';
import { hostbridge, hostbridges } from './hostbridge.js';
import { lpc } from './lpc.js';
import { nvme } from './nvme.js';
import { passthru } from './passthru.js';
import { raw } from './raw.js';
import { uart } from './uart.js';
import { virtio9p } from './virtio-9p.js';
import { virtioBlk } from './virtio-blk.js';
import { virtioConsole } from './virtio-console.js';
import { virtioInput } from './virtio-input.js';
import { virtioNet } from './virtio-net.js';
import { virtioRnd } from './virtio-rnd.js';
import { virtioScsi } from './virtio-scsi.js';
import { xhci } from './xhci.js';

/** Every device model that a spec may name, in the order of the documents. */
export const deviceModels: readonly AnyDeviceModel[] = [
  virtioNet,
  e1000,
  virtioBlk,
  ahciHd,
  ahciCd,
  ahci,
  nvme,
  virtioScsi,
  virtio9p,
  virtioRnd,
  virtioConsole,
  virtioInput,
  fbuf,
  xhci,
  hda,
  uart,
  passthru,
  hostbridge,
  raw,
];

const byName = new Map(deviceModels.map((model) => [model.model, model]));

/** The model of a device whose `device` the schema has checked. */
export function modelNamed(name: string): AnyDeviceModel {
  const model = byName.get(name);
  if (model === undefined) throw new Error(`no device model is named ${name}`);
  return model;
}

const byWord = new Map([...deviceModels, ...Object.values(hostbridges), lpc].map((model) => [model.model, model]));

/** The model that a word of bhyve's `-s` means; undefined: one that vmrun does not know. */
export const modelOfWord = (word: string): AnyDeviceModel | undefined => byWord.get(word);
