import fc from 'fast-check';
import { quoteCommand } from '../../src/base/shell.js';
import type { ImportFormat } from '../../src/import/formats.js';
import type { SpecFormat } from '../../src/spec/parse-spec.js';

/** A password of which no three letters stand anywhere else. */
export const canary = 'Zq1Zq1Zq';

/** The pieces of it that a text gives away. */
export const piecesIn = (text: string): readonly string[] => text.match(/Zq1|q1Z|1Zq/g) ?? [];

const graphic = { host: '127.0.0.1', port: 5901, password: canary, width: 1024 };

/** Specs with a password in every place where one may stand. */
const objects: readonly object[] = [
  { name: 'web', cpu: 2, mem: '1G', graphic, com1: 'stdio' },
  { name: 'web', cpu: 2, mem: '1G', emulations: [{ device: 'fbuf', slot: 5, password: canary, vga: 'off' }] },
  { name: 'web', cpu: 2, mem: '1G', config: { 'pci.0.9.0.password': canary }, graphic: { slot: 9 } },
  { name: 'web', cpu: 2, mem: '1G', extra_options: `-s 9,fbuf,tcp=127.0.0.1:5901,password=${canary} -H` },
  { name: 'web', cpu: 2, mem: '1G', extra_options: ['-s', `9,fbuf,password=${canary},w=800`] },
  { name: 'web', cpu: 2, mem: '1G', emulations: [{ device: 'raw', value: `fbuf,password=${canary},wait` }] },
  { name: 'web', cpu: 2, mem: '1G', targets: { install: { graphic }, rescue: { inherits: 'install', cpu: 4 } } },
  { name: 'web', cpu: 2, mem: '1G', 'x-admin': { secret: canary, token: canary }, graphic: { port: 5902 } },
];

const yaml: readonly string[] = [
  `name: web\ncpu: 2\nmem: 1G\ngraphic:\n  port: 5901\n  password: ${canary}\n  width: 1024\n`,
  `name: web\ncpu: 2\nmem: 1G\ngraphic: {port: 5901, password: "${canary}", width: 1024}\ncom1: stdio\n`,
  `name: web\ncpu: 2\nmem: 1G\ngraphic:\n  password: '${canary}'\n  wait: true\n`,
  `name: web\ncpu: 2\nmem: 1G\nemulations:\n- device: fbuf\n  password: >-\n    ${canary}\n  width: 1024\n`,
  `name: web\ncpu: 2\nmem: 1G\nextra_options: -s 9,fbuf,password=${canary} -H\n`,
  `name: web\ncpu: 2\nmem: 1G\nemulations:\n- device: raw\n  value: fbuf,password=${canary}\n- device: virtio-rnd\n`,
  `name: web\ncpu: 2\nmem: 1G\nconfig:\n  pci.0.9.0.password: ${canary}\ngraphic: {slot: 9}\n`,
];

const ucl: readonly string[] = [
  `name = web;\ncpu = 2;\nmem = 1G;\ngraphic {\n  port = 5901;\n  password = "${canary}";\n  width = 1024;\n}\n`,
  `name: web\ncpu: 2\nmem: 1G\ngraphic: {port: 5901, password: ${canary}, width: 1024}\n`,
  `name web\ncpu 2\nmem 1G\ngraphic {\n  password '${canary}'\n  wait true\n}\n`,
  `name: web\ncpu: 2\nmem: 1G\ngraphic {\n  password: <<EOD\n${canary}\nEOD\n  width: 1024\n}\n`,
  `name: web\ncpu: 2\nmem: 1G\nextra_options: "-s 9,fbuf,password=${canary} -H"\n`,
  `name: web\ncpu: 2\nmem: 1G\nconfig { "pci.0.9.0.password": ${canary} }\ngraphic { slot: 9 }\n`,
];

/** Text of a spec with a secret in it. */
export interface SecretSpec {
  readonly format: SpecFormat;
  readonly text: string;
}

export const secretSpecs: readonly SecretSpec[] = [
  ...objects.flatMap((object): readonly SecretSpec[] => [
    { format: 'json', text: JSON.stringify(object) },
    { format: 'json', text: JSON.stringify(object, undefined, 2) },
    { format: 'ucl', text: JSON.stringify(object, undefined, 1) },
    { format: 'yaml', text: JSON.stringify(object, undefined, 1) },
  ]),
  ...yaml.map((text) => ({ format: 'yaml', text }) as const),
  ...ucl.map((text) => ({ format: 'ucl', text }) as const),
];

const bhyve = ['bhyve', '-H', '-c', '2', '-m', '1G', '-l', 'bootrom,/uefi.fd', '-s', '0,hostbridge', '-s', '31,lpc'];
const screen = `29,fbuf,tcp=127.0.0.1:5901,w=1024,h=768,password=${canary},wait`;

/** What other tools write, with a secret in it. */
export const secretOriginals: readonly { readonly format: ImportFormat; readonly text: string }[] = [
  { format: 'bhyve', text: `${quoteCommand([...bhyve, '-s', screen, '-l', 'com1,stdio', 'web'])}\n` },
  {
    format: 'bhyve',
    text: `#!/bin/sh\nvm=web\nbhyve -m 1G -l bootrom,/uefi.fd \\\n -s ${screen} \\\n -s 31,lpc $vm\n`,
  },
  {
    format: 'bhyve',
    text: `PASSWORD='${canary}'\nbhyve -m 1G -l bootrom,/uefi.fd -s "29,fbuf,password=$PASSWORD" web\n`,
  },
  {
    format: 'bhyve',
    text: `bhyve -m 1G -l bootrom,/uefi.fd -s 29,fbuf -o pci.0.29.0.password=${canary} -s 31,lpc web\n`,
  },
  {
    format: 'config',
    text: `name=web\nmemory.size=1G\nbootrom=/uefi.fd\npci.0.29.0.device=fbuf\npci.0.29.0.password=${canary}\npci.0.29.0.w=1024\n`,
  },
  {
    format: 'vm-bhyve',
    text: `loader="uefi"\ngraphics="yes"\ngraphics_port="5910"\nvnc_password="${canary}"\ncpu=4\nmemory=2G\ndisk0_type="nvme"\ndisk0_name="disk0.img"\n`,
  },
  {
    format: 'iohyve',
    text: `Getting web iohyve properties...\nbargs             -A_-H_-P_-s_29,fbuf,password=${canary}\ncpu               2\nloader            uefi\nname              web\nram               1G\npcidev:1          fbuf,password=${canary},wait\ntap               tap0\n`,
  },
  {
    format: 'libvirt',
    text: `<domain type="bhyve">\n <name>web</name>\n <memory unit="MiB">1024</memory>\n <vcpu>2</vcpu>\n <os firmware="efi"><type arch="x86_64">hvm</type><loader readonly="yes" type="pflash">/uefi.fd</loader></os>\n <devices>\n  <graphics type="vnc" port="5904" passwd="${canary}" wait="yes">\n   <listen type="address" address="::1"/>\n  </graphics>\n  <video><model type="gop"/></video>\n </devices>\n <bhyve:commandline xmlns:bhyve="http://libvirt.org/schemas/domain/bhyve/1.0"><bhyve:arg value="-s"/><bhyve:arg value="9,fbuf,password=${canary}"/></bhyve:commandline>\n</domain>\n`,
  },
];

/** One stray change, by how far from the secret it is. */
interface Change {
  readonly at: number;
  readonly kind: 'insert' | 'replace' | 'remove' | 'repeat' | 'swap';
  readonly text: string;
}

const strays = [
  ...Array.from('{}[]()"\',:;=<>|&*!%@#/\\-?`$~^+. \n\t\r\0aZ0é'),
  ...[
    '\n\n',
    ': ',
    '", "',
    '<<EOD\n',
    '/*',
    '*/',
    '"""',
    '\n- ',
    '? ',
    '!!str ',
    '&a ',
    '*a',
    '\\u0041',
    '\\\n',
    '$(',
    '-->',
    ' -o ',
  ],
];

const changeFrom = (min: number, max: number, longest = 9): fc.Arbitrary<Change> =>
  fc.record({
    at: fc.integer({ min, max }),
    kind: fc.constantFrom('insert', 'insert', 'replace', 'remove', 'repeat', 'swap'),
    text: fc.constantFrom(...strays.filter(({ length }) => length <= longest)),
  });

function changed(text: string, { at, kind, text: stray }: Change, secretAt: number): string {
  const index = Math.min(text.length, Math.max(0, secretAt + at));
  const [before, char, after] = [text.slice(0, index), text.slice(index, index + 1), text.slice(index + 1)];
  switch (kind) {
    case 'insert':
      return before + stray + char + after;
    case 'replace':
      return before + stray + after;
    case 'remove':
      return before + after;
    case 'repeat':
      return before + char + char + after;
    case 'swap':
      return before + after.slice(0, 1) + char + after.slice(1);
  }
}

/**
 * One of some texts, with one to three stray changes beside its secret. A small one may be in what announces it: after
 * more it is another word.
 */
export const mutated = <T extends { readonly text: string }>(originals: readonly T[]): fc.Arbitrary<T> =>
  fc
    .tuple(
      fc.constantFrom(...originals),
      changeFrom(-24, 40, 2),
      fc.array(changeFrom(-3, 12), { maxLength: 2 }),
      fc.nat(),
    )
    .map(([original, first, more, which]) => {
      const places = [...original.text.matchAll(new RegExp(canary, 'g'))].map(({ index }) => index);
      const place = places[which % places.length] ?? 0;
      return { ...original, text: [...more, first].reduce((text, one) => changed(text, one, place), original.text) };
    });
