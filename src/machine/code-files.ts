import type { Machine } from './machine.js';
import type { NamedFile } from './named-files.js';
import { programsIn } from '../fields/programs-in.js';

/** A file that others must not write, since what it holds is run, or decides what is. */
export interface CodeFile extends NamedFile {
  /** A program: where there is no slash in it, it is looked for in PATH. */
  readonly isProgram?: true;
  /** Nobody else may read it either. */
  readonly isSecret?: true;
}

/**
 * What a machine runs, on the host or in the guest before its disks: hooks, boot ROM and device ROMs, what the loader
 * takes from the host, and files of variables; with the passwords that are read from files. Disks belong to the guest.
 */
export function codeFiles({
  requirements,
  devices,
  argv,
  loader,
  privateConfig,
  policy,
}: Machine): readonly CodeFile[] {
  const { preStart, postStart, preReboot, postStop } = policy.hooks;
  const hooks = { pre_start: preStart, post_start: postStart, pre_reboot: preReboot, post_stop: postStop };
  return [
    ...Object.entries(hooks).flatMap(([name, command = []]) =>
      programsIn(command).map((path): CodeFile => ({ path, owner: `the program of hook ${name}`, isProgram: true })),
    ),
    ...requirements.flatMap(({ need }): readonly CodeFile[] =>
      need.kind === 'file' && need.pointer === '/bootrom' ? [{ path: need.path, owner: 'the boot ROM' }] : [],
    ),
    ...devices.flatMap(({ model, id, label, variables }) =>
      variables
        .filter(({ key }) => key === 'rom' || key.endsWith('.rom'))
        .map(({ value }): CodeFile => ({ path: value, owner: `the ROM of ${model} ${id ?? label}` })),
    ),
    ...romsIn(argv).map((path): CodeFile => ({ path, owner: "a ROM of bhyve's command line" })),
    ...valuesOf(argv, '-k')
      .filter((path) => path !== privateConfig?.path)
      .map((path): CodeFile => ({ path, owner: 'the file of variables' })),
    ...(loader === undefined ? [] : loaderFiles(loader)),
    ...(privateConfig?.fromFiles ?? []).map(({ file }): CodeFile => ({
      path: file.path,
      owner: 'the password file',
      isSecret: true,
    })),
  ];
}

/** Of `raw` devices and extra options, which are words alone. */
const romsIn = (argv: readonly string[]): readonly string[] =>
  argv.flatMap((word) => /(?:^(?:-l)?bootrom,|(?:^|[,.])(?:boot)?rom=)([^,]+)/.exec(word)?.[1] ?? []);

/** Options of each loader whose value it takes code, or the way to code, from: bhyveload(8), grub-bhyve(8). */
const loaderOptions = {
  bhyveload: ['-h', '-l'],
  'grub-bhyve': ['-m', '--device-map', '-d', '--directory'],
} as const;

function loaderFiles({ kind, argv, files }: NonNullable<Machine['loader']>): readonly CodeFile[] {
  const ours = new Set(files.map(({ path }) => path));
  return loaderOptions[kind].flatMap((option) =>
    valuesOf(argv, option)
      .filter((path) => !ours.has(path))
      .map((path): CodeFile => ({ path, owner: `what ${kind} is given with ${option}` })),
  );
}

/** The values that an option is given, in a word of their own or in its own. */
const valuesOf = (words: readonly string[], option: string): readonly string[] =>
  words.flatMap((word, index) => {
    if (word === option) return words[index + 1] ?? [];
    const joined = option.startsWith('--') ? `${option}=` : option;
    return word.startsWith(joined) ? [word.slice(joined.length)] : [];
  });
