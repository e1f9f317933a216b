import { shown } from '../../base/text.js';
import { datastoreOf, inGuest, of, tell, type Guest } from './guest.js';
import type { Places } from './places.js';

interface Disks {
  readonly words: readonly string[];
  /** What a loader may read, in the order of their numbers. */
  readonly paths: readonly string[];
}

const maxDrives = 32;

/** One slot a disk with UEFI, else functions of one slot; several AHCI drives may share a controller. */
export function disksOf(guest: Guest, places: Places): Disks {
  const { properties, isUefi } = guest;
  const perController = drivesOfController(guest);
  const words: string[] = [];
  let drives: string[] = [];
  const next = (): void => {
    if (isUefi) places.nextSlot();
    else places.nextFunction();
  };
  let number = 0;
  for (; ; number += 1) {
    const key = `disk${number}`;
    const [name, type] = [properties.get(`${key}_name`), properties.get(`${key}_type`)];
    if (name === '' || type === '') {
      tellHalf(guest, key, name, type);
      break;
    }
    places.leaveFullSlot();
    const options = properties.get(`${key}_opts`);
    const file = diskPath(guest, key, name) + (options === '' ? '' : `,${options}`);
    if (perController === 1 || !/^ahci(-|$)/.test(type)) {
      words.push('-s', of(guest, `${key}_name`, `${places.place()},${type},${file}`));
      next();
    } else if (type === 'ahci-cd' || type === 'ahci-hd') {
      drives.push(`${type.slice('ahci-'.length)}:${file}`);
      if (drives.length < perController) continue;
      words.push('-s', of(guest, `${key}_name`, [`${places.place()},ahci`, ...drives].join(',')));
      drives = [];
      next();
    } else {
      const message = `${key}_type ${type}: with ahci_device_limit vm-bhyve leaves this disk out`;
      tell(guest, `${key}_type`, 'disk', message, 'add it to "emulations" if the guest is to have it');
    }
  }
  if (drives.length > 0) {
    const last = `disk${number - 1}_name`;
    words.push('-s', of(guest, last, [`${places.placeWithoutBus()},ahci`, ...drives].join(',')));
    if (isUefi) places.nextSlot();
  }
  if (number > 0 && !isUefi) places.nextSlot();
  return { words, paths: loaderPaths(guest) };
}

/** A disk needs both, and ends the list where it has one of them. */
function tellHalf(guest: Guest, key: string, name: string, type: string): void {
  if (name === type) return;
  const [said, missing] = name === '' ? [`${key}_type`, `${key}_name`] : [`${key}_name`, `${key}_type`];
  const message = `${said} without ${missing}: vm-bhyve leaves this disk out, and so does the spec`;
  tell(guest, said, 'disk', message, `add ${missing} if the guest is to have it`);
}

function drivesOfController(guest: Guest): number {
  const limit = guest.properties.get('ahci_device_limit');
  const number = /^\d+$/.test(limit) ? Number(limit) : 0;
  if (number > 1 && number <= maxDrives) return number;
  if (limit !== '' && number !== 1) {
    const message = `ahci_device_limit ${shown(limit)} is not a number from 2 to ${maxDrives}: vm-bhyve gives each drive a controller of its own`;
    tell(guest, 'ahci_device_limit', 'ahci-limit', message);
  }
  return 1;
}

/** A loader is told of every disk with a name, whatever its type. */
function loaderPaths(guest: Guest): readonly string[] {
  const paths: string[] = [];
  for (let number = 0; ; number += 1) {
    const name = guest.properties.get(`disk${number}_name`);
    if (name === '') return paths;
    paths.push(pathOf(guest, `disk${number}`, name));
  }
}

function pathOf({ properties, source, context, name: guestName, release }: Guest, key: string, name: string): string {
  const type = properties.get(`${key}_dev`);
  switch (type) {
    case 'custom':
      return name;
    case '9p':
      return release.has9p ? name : inGuest(source, name);
    case 'zvol':
    case 'sparse-zvol':
      return `/dev/zvol/${context.dataset ?? datastoreOf(source).slice(1)}/${guestName}/${name}`;
    case 'iscsi':
      return `/dev/${name.replaceAll(/[^\w.:-]+/g, '_')}`;
    default:
      return inGuest(source, name);
  }
}

/** The path, with what is to be told of it. */
function diskPath(guest: Guest, key: string, name: string): string {
  const { properties, context, release } = guest;
  const type = properties.get(`${key}_dev`);
  const file = pathOf(guest, key, name);
  const said = properties.line(`${key}_dev`) === undefined ? `${key}_name` : `${key}_dev`;
  if (/^(sparse-)?zvol$/.test(type) && context.dataset === undefined) {
    const message = `${key} is a zvol: ${file} takes the dataset of vm-bhyve to be mounted where its name says`;
    tell(guest, said, 'dataset', message, 'look at zfs list, or give --dataset DATASET');
  } else if (type === 'iscsi') {
    const message = `${key} is the iSCSI target ${name}, whose disk is known once the initiator is connected`;
    tell(guest, said, 'iscsi', message, 'write its device into "path": iscsictl -L shows it');
  } else if (type === '9p' && release.has9p) {
    const message = `${key}_dev 9p is of the master branch of vm-bhyve; its releases up to 1.7.5 take ${name} for a file`;
    tell(guest, said, '9p', message);
  } else if (!/^(|file|custom|9p|(sparse-)?zvol)$/.test(type)) {
    const message = `${key}_dev ${shown(type)} is not one that vm-bhyve knows; it takes the disk for a file then`;
    tell(guest, said, 'disk', message, 'check "path" of the device');
  }
  return file;
}
