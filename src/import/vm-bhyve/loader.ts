import { splitWords } from '../../base/shell.js';
import { shown } from '../../base/text.js';
import { readLoader } from '../loader.js';
import { noteAt, type Original } from '../original.js';
import type { Properties } from '../properties.js';
import type { Guest } from './guest.js';

interface LoaderSurroundings {
  readonly disks: readonly string[];
  readonly console: string | undefined;
  readonly isWired: boolean;
}

/** The command that vm-bhyve would load the guest with. */
export function loaderOf(
  guest: Guest,
  loader: string,
  { disks, console, isWired }: LoaderSurroundings,
): Original['loader'] {
  const { properties, source, notes, name } = guest;
  const line = properties.line('loader') ?? 1;
  const common = [...(console === undefined ? [] : ['-c', console]), ...(isWired ? ['-S'] : [])];
  const delay = properties.get('loader_timeout', '3');
  const memory = properties.get('memory');
  const [first] = disks;
  if (first === undefined || (loader !== 'bhyveload' && loader !== 'grub')) {
    const what = first === undefined ? 'no disk is configured' : `loader is ${shown(loader)}`;
    const message = `${what}: vm-bhyve could not start the guest`;
    notes.push(
      noteAt(source, properties.line('loader'), 'loader', message, 'write "loader" or "bootrom" into the spec'),
    );
    return undefined;
  }
  if (loader === 'bhyveload') {
    const userboot = properties.get('bhyveload_loader');
    const more = splitWords(properties.get('bhyveload_args'));
    const argv = [
      ...[...common, '-m', memory, '-e', `autoboot_delay=${delay}`],
      ...(userboot === '' ? [] : ['-l', userboot]),
      ...('error' in more ? [] : more),
      ...['-d', first, name],
    ];
    return kept(readLoader({ program: 'bhyveload', argv, line }, guest.context.readFile));
  }
  const root = `hd0,${properties.get('grub_run_partition', '1')}`;
  const commands = numbered(properties, 'grub_run').filter((command) => command !== 'boot');
  const folder = ['grub_run_dir', 'grub_run_file'].map((key) => properties.get(key));
  const map = disks.map((file, index) => `(hd${index}) ${file}\n`).join('');
  const argv = [...common, '-m', 'device.map', '-M', memory];
  const words =
    commands.length > 0
      ? { input: [`root=${root}`, ...commands, 'boot'].join('\n'), argv }
      : {
          argv: [
            ...[...argv, '-r', root],
            ...(folder[0] === undefined || folder[0] === '' ? [] : ['-d', folder[0]]),
            ...(folder[1] === undefined || folder[1] === '' ? [] : ['-g', folder[1]]),
          ],
        };
  return kept(readLoader({ program: 'grub-bhyve', line, ...words, argv: [...words.argv, name] }, () => map));
}

const kept = (loader: ReturnType<typeof readLoader>): Original['loader'] => ('error' in loader ? undefined : loader);

export function numbered(properties: Properties, prefix: string): readonly string[] {
  const values: string[] = [];
  for (let number = 0; properties.has(`${prefix}${number}`); number += 1)
    values.push(properties.get(`${prefix}${number}`));
  return values;
}
