import { mostProblems } from '../../../src/base/problem.js';
import { splitWords } from '../../../src/base/shell.js';
import type { ImportFormat } from '../../../src/import/formats.js';
import { importText } from '../../../src/import/import-text.js';
import { otherToolOf } from '../../../src/import/other-tools.js';
import { nothingTold, type Reader, type Readers, type Told } from './reader.js';
import { configFiles, iohyve, libvirt, scripts, specs, vmBhyve, yaml } from './texts.js';

const noFile = (): undefined => undefined;

async function told(
  text: string,
  format: ImportFormat | undefined,
  readFile: (path: string) => string | undefined = noFile,
): Promise<Told> {
  const context = { platform: {}, host: {}, readFile, firstTap: 0 };
  const source = { name: 'vm.txt', text, folder: '/vm/vm', stem: 'vm' };
  const result = await importText(source, { ...context, ...(format === undefined ? {} : { format }) });
  if (!result.ok) return { problems: result.problems, outcome: 'refused' };
  const { problems } = result.value;
  if (problems.length > mostProblems + 2) throw new Error(`${problems.length} problems of a spec`);
  return { problems: result.warnings, outcome: result.value.format };
}

const imported = (format: ImportFormat | undefined, seeds: readonly string[]): Reader => ({
  seeds,
  share: 1,
  read: (text) => told(text, format),
});

/** Originals that name another file, by the kind of that: what is changed is its text, below a line that says the kind. */
const naming: Readonly<Record<string, readonly [format: ImportFormat, text: string]>> = {
  included: ['bhyve', '#!/bin/sh\n. ./vm.conf\nbhyve -c "${cpus:-1}" -m 1G -l bootrom,/uefi.fd $devices vm\n'],
  read: ['bhyve', '#!/bin/sh\nwhile read -r a b; do d="$d -s $a,$b"; done < list\nbhyve -m 1G -l bootrom,/u $d vm\n'],
  commands: [
    'bhyve',
    'grub-bhyve -m /vm/map -r hd0 -M 1G vm < /vm/grub.in\nbhyve -m 1G -s 3,virtio-blk,/vm/a.img vm\n',
  ],
  map: ['bhyve', 'grub-bhyve -m /vm/map -r hd0,msdos1 -M 1G vm\nbhyve -m 1G -s 3,virtio-blk,/vm/a.img vm\n'],
  options: ['bhyve', 'bhyve -k /vm/vm.options -l bootrom,/uefi.fd vm\n'],
  switches: [
    'vm-bhyve',
    'loader="uefi"\ncpu=1\nmemory=1G\nnetwork0_type="virtio-net"\nnetwork0_switch="public"\ndisk0_type="nvme"\ndisk0_name="a.img"\n',
  ],
};

const filesBeside: readonly string[] = [
  'included\ncpus=2\ndevices="-s 3,virtio-blk,/vm/a.img"\n[ -f /x ] && devices="$devices -s 4,nvme,/x"\n',
  'read\n3 virtio-blk,/vm/a.img\n4:0 virtio-net,tap0\n',
  'commands\nlinux (hd0,msdos1)/vmlinuz root=/dev/vda1\ninitrd (hd0,msdos1)/initrd.img\nboot\n',
  'map\n(hd0) /vm/a.img\n(cd0) /vm/i.iso\n',
  ...configFiles.slice(0, 20).map((text) => `options\n${text}`),
  'switches\nswitch_list="public"\ntype_public="standard"\nbridge_public="bridge0"\nprivate_public="no"\nmtu_public="9000"\n',
];

const besides: Reader = {
  seeds: filesBeside,
  share: 1,
  read: async (text) => {
    const end = text.indexOf('\n');
    const kind = Object.keys(naming).find((each) => each === text.slice(0, end)) ?? 'included';
    const [format, original] = naming[kind] ?? ['bhyve', ''];
    const { problems, outcome } = await told(original, format, () => text.slice(end + 1));
    return { problems, outcome: `${kind} ${outcome}` };
  },
};

export const importReaders: Readers = {
  'a bhyve_config(5) file': () => imported('config', configFiles),
  'a script': () => imported('bhyve', scripts),
  'a guest of vm-bhyve': () => imported('vm-bhyve', vmBhyve),
  'a guest of iohyve': () => imported('iohyve', iohyve),
  'a domain of libvirt': () => imported('libvirt', libvirt),
  'any of them': () =>
    imported(undefined, [...scripts, ...configFiles.slice(0, 9), ...vmBhyve, ...iohyve, ...libvirt, ...yaml]),
  'a file that an original names': () => besides,
  "another tool's file": () => ({
    seeds: [...specs, ...yaml, ...vmBhyve, ...libvirt],
    share: 6,
    read: (text) => nothingTold(otherToolOf(text)?.what),
  }),
  'words of a shell': () => ({
    seeds: scripts,
    share: 6,
    read: (text) => {
      const words = splitWords(text);
      return nothingTold('error' in words ? words.error : 'words');
    },
  }),
};
