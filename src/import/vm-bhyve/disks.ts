import path from 'node:path';
import { noteAt } from '../original.js';
import { inGuest, type Guest } from './guest.js';

interface Disks {
  readonly words: readonly string[];
  /** In the order of their numbers. */
  readonly paths: readonly string[];
}

/** One slot a disk with UEFI, else functions of one slot; several AHCI drives may share a controller. */
export function disksOf(guest: Guest): Disks {
  const { properties, isUefi } = guest;
  const limit = Number(properties.get('ahci_device_limit', '1'));
  const perController = Number.isInteger(limit) && limit > 1 && limit <= 32 ? limit : 1;
  const words: string[] = [];
  const paths: string[] = [];
  let [slot, func] = [Number(properties.get('disk_slot_start', '4')), 0];
  let drives: string[] = [];
  const add = (device: string): void => {
    words.push('-s', `${slot}:${func},${device}`);
    if (isUefi) slot += 1;
    else func += 1;
  };
  for (let number = 0; ; number += 1) {
    const key = `disk${number}`;
    const [name, type] = [properties.get(`${key}_name`), properties.get(`${key}_type`)];
    if (name === '' || type === '') break;
    const own = properties.get(`${key}_slot`);
    if (own !== '') [slot, func] = [Number(own), 0];
    else if (func >= 8) [slot, func] = [slot + 1, 0];
    const file = diskPath(guest, key, name);
    const options = properties.get(`${key}_opts`);
    const said = options === '' ? file : `${file},${options}`;
    paths.push(file);
    if (perController > 1 && type.startsWith('ahci')) {
      drives.push(`${type === 'ahci-cd' ? 'cd' : 'hd'}:${said}`);
      if (drives.length < perController) continue;
      add(['ahci', ...drives].join(','));
      drives = [];
    } else {
      add(`${type},${said}`);
    }
  }
  if (drives.length > 0) add(['ahci', ...drives].join(','));
  return { words, paths };
}

function diskPath(guest: Guest, key: string, name: string): string {
  const { properties, source, context, notes } = guest;
  const type = properties.get(`${key}_dev`, 'file');
  const tell = (code: string, message: string, fix: string): void => {
    notes.push(noteAt(source, properties.line(`${key}_dev`) ?? properties.line(`${key}_name`), code, message, fix));
  };
  switch (type) {
    case 'custom':
      return name;
    case 'zvol':
    case 'sparse-zvol': {
      const dataset = context.dataset ?? path.posix.dirname(source.folder).slice(1);
      const file = `/dev/zvol/${dataset}/${guest.name}/${name}`;
      if (context.dataset === undefined) {
        const message = `${key} is a zvol: ${file} takes the dataset of vm-bhyve to be mounted where its name says`;
        tell('dataset', message, 'look at zfs list, or give --dataset DATASET');
      }
      return file;
    }
    case 'iscsi': {
      const message = `${key} is the iSCSI target ${name}, whose disk is known once the initiator is connected`;
      tell('iscsi', message, 'write its device into "path": iscsictl -L shows it');
      return `/dev/${name.replaceAll(/[^\w.:-]+/g, '_')}`;
    }
    default:
      return inGuest(source, name);
  }
}
