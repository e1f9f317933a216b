import { shown } from '../../base/text.js';
import { readLoader } from '../loader.js';
import type { Original } from '../original.js';
import type { Properties } from '../properties.js';
import { inGuest, tell, type Guest } from './guest.js';
import { shellWords } from './bhyve-options.js';

interface LoaderSurroundings {
  readonly disks: readonly string[];
  readonly console: string | undefined;
  readonly isWired: boolean;
}

/** The command that vm-bhyve would load the guest with. */
export function loaderOf(guest: Guest, loader: string, surroundings: LoaderSurroundings): Original['loader'] {
  const [first] = surroundings.disks;
  if (first === undefined || surroundings.console === undefined || (loader !== 'bhyveload' && loader !== 'grub')) {
    const why =
      loader !== 'bhyveload' && loader !== 'grub'
        ? `loader is ${shown(loader)}`
        : first === undefined
          ? 'no disk is configured'
          : 'comports is empty, and the loader has no console';
    const message = `${why}: vm-bhyve could not start the guest`;
    tell(guest, 'loader', 'loader', message, 'write "loader" or "bootrom" into the spec');
    return undefined;
  }
  return loader === 'bhyveload' ? bhyveloadOf(guest, first, surroundings) : grubOf(guest, surroundings);
}

/** Words that both loaders take. */
const commonWords = ({ console, isWired }: LoaderSurroundings): readonly string[] => [
  ...(console === undefined ? [] : ['-c', console]),
  ...(isWired ? ['-S'] : []),
];

function bhyveloadOf(guest: Guest, disk: string, surroundings: LoaderSurroundings): Original['loader'] {
  const { properties, name, release } = guest;
  const [userboot, uuid] = [properties.get('bhyveload_loader'), properties.get('uuid')];
  const argv = [
    ...commonWords(surroundings),
    ...['-m', properties.get('memory')],
    ...(release.tellsLoader && uuid !== '' ? ['-e', `smbios.system.uuid=${uuid}`] : []),
    ...['-e', `autoboot_delay=${properties.get('loader_timeout', '3')}`],
    ...(release.tellsLoader ? ['-e', `bhyve_vm_name=${name}`] : []),
    ...shellWords(properties.get('bhyveload_args')),
    ...(userboot === '' ? [] : ['-l', userboot]),
  ];
  if (!release.has9p || properties.get('disk0_dev') !== '9p') {
    return read(guest, 'bhyveload', { argv: [...argv, '-d', disk, name] });
  }
  const [share = '', folder = ''] = disk.split('=');
  if (share !== '' && folder !== '') {
    return read(guest, 'bhyveload', {
      argv: [...argv, '-h', folder, '-e', `vfs.root.mountfrom=p9fs:${share}`, name],
    });
  }
  const message = `disk0_name ${shown(disk)} is not NAME=FOLDER: vm-bhyve could not start the guest`;
  tell(guest, 'disk0_name', 'loader', message, 'write "loader" into the spec');
  return undefined;
}

function grubOf(guest: Guest, surroundings: LoaderSurroundings): Original['loader'] {
  const { properties, source, name } = guest;
  const partition = properties.get('grub_run_partition');
  const root = `hd0,${partition === '' ? '1' : partition}`;
  if (properties.isYes('grub_run_no_partition')) {
    const message = 'grub_run_no_partition has no effect: vm-bhyve looks for it in a way that never finds it';
    tell(guest, 'grub_run_no_partition', 'grub', message, 'set "root": "hd0" in "loader" if that was meant');
  }
  const commands = numbered(properties, 'grub_run').filter((command) => command !== 'boot');
  const [folder, file] = ['grub_run_dir', 'grub_run_file'].map((key) => properties.get(key));
  const map = surroundings.disks.map((path, index) => `(hd${index}) ${path}\n`).join('');
  const argv = [...commonWords(surroundings), '-m', inGuest(source, 'device.map'), '-M', properties.get('memory')];
  if (properties.get('grub_run0') !== '') {
    const delay = properties.get('loader_timeout', '3');
    const message = `vm-bhyve writes the commands into a grub.cfg that waits ${delay} seconds; vmrun types them at once`;
    tell(guest, 'grub_run0', 'grub', message);
    return read(guest, 'grub-bhyve', {
      argv: [...argv, name],
      input: [`root=${root}`, ...commands, 'boot'].join('\n'),
      map,
    });
  }
  const words = [
    ...['-r', root],
    ...(folder === undefined || folder === '' ? [] : ['-d', folder]),
    ...(file === undefined || file === '' ? [] : ['-g', file]),
  ];
  return read(guest, 'grub-bhyve', { argv: [...argv, ...words, name], map });
}

interface Command {
  readonly argv: readonly string[];
  readonly input?: string;
  readonly map?: string;
}

/** A command that the loader itself would refuse is told, and not carried. */
function read(guest: Guest, program: 'bhyveload' | 'grub-bhyve', { argv, input, map }: Command): Original['loader'] {
  const line = guest.properties.line('loader') ?? 1;
  const words = { program, line, argv: argv.flatMap(shellWords), ...(input === undefined ? {} : { input }) };
  const loader = readLoader(words, map === undefined ? guest.context.readFile : () => map);
  if (!('error' in loader)) return loader;
  tell(guest, 'loader', 'loader', `${program} would not accept its options: ${loader.error}`);
  return undefined;
}

export function numbered(properties: Properties, prefix: string): readonly string[] {
  const values: string[] = [];
  for (let number = 0; properties.get(`${prefix}${number}`) !== ''; number += 1)
    values.push(properties.get(`${prefix}${number}`));
  return values;
}
