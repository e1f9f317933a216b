import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

export const textsIn = (folder: string, form: RegExp): readonly string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => form.test(name))
    .sort()
    .map((name) => textOf(path.join(folder, name)));

const options = '-l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd -s 0,hostbridge -s 31,lpc -u -H';

/**
 * What stands between quotes in the tests of a reader, near enough: it is changed anyway, and with a test for each
 * branch the changes begin at every one of them.
 */
const quotedIn = (folder: string, form: RegExp): readonly string[] => [
  ...new Set(
    textsIn(folder, form).flatMap((test) =>
      [...test.matchAll(/'((?:[^'\\\n]|\\.){8,})'|`((?:[^`\\]|\\.){8,})`/g)].map(([, plain, template]) =>
        (plain ?? template ?? '')
          .replaceAll('${uefi}', options)
          .replaceAll(/\\(.)/g, (_, char: string) => ({ n: '\n', t: '\t' })[char] ?? char),
      ),
    ),
  ),
];

/** Rows of a table in `test/vectors`. */
export const vectors = (file: string) =>
  JSON.parse(textOf(`test/vectors/${file}`)) as readonly Readonly<Record<string, unknown>>[];

const isObject = (text: string): boolean => /^\s*\{/.test(text);

export const specs = textsIn('examples', /^[^/]*\.json$|^bhyve-man\/|^formats\/.*json$/);
export const json = [...specs, ...quotedIn('test/spec', /\.test\.ts$/).filter(isObject)];
export const yaml = [...textsIn('examples', /\.yaml$/), ...quotedIn('test/spec', /^yaml.*\.test\.ts$|^template/)];
export const ucl = [
  ...quotedIn('test', /^(?:spec|ucl)\/.*ucl\.test\.ts$/),
  ...textsIn('examples', /formats\/.*\.conf$/),
  ...vectors('ucl-vectors.json').map((one) => String(one.ucl)),
];

/** One word a line. */
export const argvs = vectors('bhyve-config-vectors.json').map(({ argv }) => (argv as readonly string[]).join('\n'));

export const configFiles = vectors('bhyve-config-vectors.json').flatMap(({ dump }) =>
  dump === undefined
    ? []
    : [
        Object.entries(dump as object)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      ],
);

const quotedScripts = quotedIn('test/import', /(?:script.*|shell.*|oracle)\.test\.ts$/).map((text) =>
  text.includes('bhyve') ? text : `${text}\nbhyve ${options} -m 1G "$x" vm\n`,
);

export const scripts = [
  ...quotedScripts,
  ...quotedScripts.filter((text) => !text.startsWith('#!')).map((text) => `#!/bin/csh\n${text}`),
  ...textsIn('test/golden', /argv\.txt$/).map((text) => `bhyve ${text.trim().split('\n').join(' ')}\n`),
  ...textsIn('test/fixtures/import', /\.command$/),
  '#!/bin/sh\nset -e\nname=${1:-vm}\nfor i in 0 1; do s="$s -s $i,virtio-rnd"; done\nwhile true; do\n  bhyve -c 1 $s $name || break\ndone\n',
  '#!/bin/bash\ncase $1 in install) cd="-s 3,ahci-cd,/i.iso";; *) cd=;; esac\na=(-c 2 "-m 1G")\nf() { local x=$((1 + $2)); bhyve "${a[@]}" $cd ${1%.*}; }\nf vm.img 3\n',
  '#!/bin/csh\nset n = vm\nforeach i (1 2)\nif ($i == 1) bhyve -c $i $n\nend\n',
];

const quotedOriginals = quotedIn('test/import', /^(?:formats|managers|vm-bhyve|named-config|round-trip)\.test\.ts$/);
const bareVmBhyve = 'loader="uefi"\ncpu=1\nmemory=1G\n';
const bareIohyve = 'ram=1G\ncpu=1\ncon=nmdm0\ntap=tap0\n';
const isVmBhyve = (text: string): boolean => /^\s*\w+="/m.test(text);
const isXml = (text: string): boolean => /^\s*</.test(text);

export const vmBhyve = [
  ...textsIn('test/fixtures/import/vm-bhyve', /\.conf$/),
  // Tests add what they are about to a guest that is nothing else.
  ...quotedOriginals.filter(isVmBhyve).map((text) => (text.includes('memory=') ? text : `${bareVmBhyve}${text}\n`)),
];
export const iohyve = [
  ...textsIn('test/fixtures/import/iohyve', /\.(getall|zfs|txt|export)$/),
  ...quotedOriginals.filter((text) => /^ram\b|[\n:]ram\b/.test(text)),
  ...['default', 'debian', 'd8lvm', 'centos7', 'netbsd', 'openbsd61', 'custom', 'fedora'].map(
    (os) => `${bareIohyve}loader=grub-bhyve\nos=${os}\npersist=yes\nbargs=-A_-H_-P\npcidev:1=passthru,2/0/0\n`,
  ),
  `${bareIohyve}loader=bhyveload\nboot=1\nautogrub=linux /vmlinuz\\nboot\ninstall=yes\n`,
];
export const libvirt = [...textsIn('test/fixtures/import/libvirt', /\.xml$/), ...quotedOriginals.filter(isXml)];
