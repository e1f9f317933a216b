import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { mostProblems, type Problem } from '../../src/base/problem.js';
import { splitWords } from '../../src/base/shell.js';
import { foretell } from '../../src/bhyve/foretell/foretell.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { readLedger } from '../../src/host/ledger-lines.js';
import { parseIfconfig } from '../../src/host/probes/ifconfig.js';
import { parseKldstat } from '../../src/host/probes/kldstat.js';
import { parsePciconf } from '../../src/host/probes/pciconf.js';
import { parseSysctl } from '../../src/host/probes/sysctl.js';
import { readFacts } from '../../src/host/read-facts.js';
import { importText } from '../../src/import/import-text.js';
import { otherToolOf } from '../../src/import/other-tools.js';
import type { ImportFormat } from '../../src/import/formats.js';
import { formatIdentity, readIdentity } from '../../src/machine/identity-text.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { lockIdentity } from '../../src/machine/lock-identity.js';
import { parseScript } from '../../src/simulator/script.js';
import type { SpecFormat } from '../../src/spec/parse-spec.js';
import { drawsFrom, mutator } from '../support/mutations.js';
import { specText } from '../support/specs.js';

/** How many texts all readers together get; a long run is `MUTATED_INPUTS=1000000 npm run soak -- mutated`. */
const inputs = Number(process.env.MUTATED_INPUTS ?? 12_000);
const seed = Number(process.env.MUTATED_SEED ?? 1);

const root = fileURLToPath(new URL('../..', import.meta.url));
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const textsIn = (folder: string, form: RegExp): readonly string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => form.test(name))
    .sort()
    .map((name) => textOf(path.join(folder, name)));

const specs = textsIn('examples', /^[^/]*\.json$|^bhyve-man\/|^formats\/.*json$/);
const vectors = (file: string) => JSON.parse(textOf(`test/vectors/${file}`)) as readonly Record<string, unknown>[];
const commands = textsIn('test/golden', /argv\.txt$/).map((text) => `bhyve ${text.trim().split('\n').join(' ')}\n`);
const scripts = [
  ...commands,
  ...textsIn('test/fixtures/import', /\.command$/),
  '#!/bin/sh\nset -e\nname=${1:-vm}\nfor i in 0 1; do s="$s -s $i,virtio-rnd"; done\nwhile true; do\n  bhyve -c 1 $s $name || break\ndone\n',
  '#!/bin/bash\ncase $1 in install) cd="-s 3,ahci-cd,/i.iso";; *) cd=;; esac\na=(-c 2 "-m 1G")\nf() { local x=$((1 + $2)); bhyve "${a[@]}" $cd ${1%.*}; }\nf vm.img 3\n',
  '#!/bin/csh\nset n = vm\nforeach i (1 2)\nif ($i == 1) bhyve -c $i $n\nend\n',
];

interface Told {
  readonly problems: readonly Problem[];
  /** What else came of it, in a word. */
  readonly outcome: string;
}

interface Reader {
  readonly seeds: readonly string[];
  /** How many of the texts it gets, beside the others: some take longer. */
  readonly share: number;
  readonly read: (text: string) => Told | Promise<Told>;
}

const nothingTold = (outcome: unknown): Told => ({ problems: [], outcome: String(outcome).slice(0, 40) });

const spec = (format: SpecFormat, seeds: readonly string[]): Reader => ({
  seeds,
  share: format === 'yaml' ? 1 : 4,
  read: async (text) => {
    const loaded = await loadSpecText(specText(text, { format }));
    if (!loaded.ok) return { problems: loaded.problems, outcome: 'refused' };
    const locked = lockIdentity(loaded.value);
    return { problems: loaded.warnings, outcome: `read ${locked.ok}` };
  },
});

const imported = (format: ImportFormat | undefined, seeds: readonly string[]): Reader => ({
  seeds,
  share: format === 'libvirt' ? 4 : 1,
  read: async (text) => {
    const context = { platform: {}, host: {}, readFile: () => undefined, firstTap: 0 };
    const source = { name: 'vm.txt', text, folder: '/vm', stem: 'vm' };
    const result = await importText(source, { ...context, ...(format === undefined ? {} : { format }) });
    if (!result.ok) return { problems: result.problems, outcome: 'refused' };
    expect(result.value.problems.length).toBeLessThanOrEqual(mostProblems + 2);
    return { problems: result.warnings, outcome: result.value.format };
  },
});

async function lockFiles(): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const text of specs) {
    const loaded = await loadSpecText(specText(text));
    const locked = loaded.ok ? lockIdentity(loaded.value) : loaded;
    if (locked.ok) texts.push(formatIdentity(locked.value.identity));
  }
  return texts;
}

const platform = { arch: 'amd64', release: 15 } as const;
const yaml = textsIn('examples', /\.yaml$/);
const ucl = [
  ...textsIn('examples', /formats\/.*\.conf$/),
  ...vectors('ucl-vectors.json').map((one) => String(one.ucl)),
];
const argvs = vectors('bhyve-config-vectors.json').map(({ argv }) => (argv as readonly string[]).join('\n'));
const configFiles = vectors('bhyve-config-vectors.json').flatMap(({ dump }) =>
  dump === undefined
    ? []
    : [
        Object.entries(dump as object)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      ],
);
const vmBhyve = textsIn('test/fixtures/import/vm-bhyve', /\.conf$/);
const iohyve = textsIn('test/fixtures/import/iohyve', /\.(getall|zfs|txt|export)$/);
const libvirt = textsIn('test/fixtures/import/libvirt', /\.xml$/);

const readers: Readonly<Record<string, () => Reader | Promise<Reader>>> = {
  'a spec in JSON': () => spec('json', specs),
  'a spec in YAML': () => spec('yaml', [...yaml, ...specs]),
  'a spec in UCL': () => spec('ucl', [...ucl, ...specs]),
  'a lock file': async () => ({
    seeds: await lockFiles(),
    share: 4,
    read: (text) => {
      const read = readIdentity(text, 'vm.lock.json');
      return { problems: read.ok ? read.warnings : read.problems, outcome: String(read.ok) };
    },
  }),
  'a captured host': () => ({
    seeds: textsIn('examples/hosts', /json$/),
    share: 4,
    read: (text) => {
      const read = readFacts(text, 'host.json');
      return { problems: read.ok ? read.warnings : read.problems, outcome: String(read.ok) };
    },
  }),
  "bhyve's command line": () => ({
    seeds: argvs,
    share: 1,
    read: (text) => {
      const options = { ...platform, readFile: () => undefined };
      const parsed = parseCommandLine(text.split('\n'), options);
      foretell(text.split('\n'), { ...options, loaded: false, isSuspect: () => true });
      return nothingTold(parsed.kind === 'failed' ? parsed.messages[0] : parsed.kind);
    },
  }),
  'a bhyve_config(5) file': () => imported('config', configFiles),
  'a script': () => imported('bhyve', scripts),
  'a guest of vm-bhyve': () => imported('vm-bhyve', vmBhyve),
  'a guest of iohyve': () => imported('iohyve', iohyve),
  'a domain of libvirt': () => imported('libvirt', libvirt),
  'any of them': () =>
    imported(undefined, [...scripts, ...configFiles.slice(0, 9), ...vmBhyve, ...iohyve, ...libvirt, ...yaml]),
  "another tool's file": () => ({
    seeds: [...specs, ...yaml, ...vmBhyve, ...libvirt],
    share: 20,
    read: (text) => nothingTold(otherToolOf(text)?.what),
  }),
  "the simulator's script": () => ({
    seeds: ['reboot,reboot,power_off', 'run:3s', 'reboot*3,halt', 'signal:SEGV', 'error@2s,deaf'],
    share: 20,
    read: (text) => {
      const script = parseScript(text);
      return nothingTold(script.kind === 'error' ? script.message : script.kind);
    },
  }),
  'words of a shell': () => ({
    seeds: scripts,
    share: 20,
    read: (text) => {
      const words = splitWords(text);
      return nothingTold('error' in words ? words.error : 'words');
    },
  }),
  'a ledger': () => ({
    seeds: ['{"id":1,"undo":{"kind":"interface","name":"tap0"}}\n{"id":1,"settled":true}\n'],
    share: 4,
    read: (text) => nothingTold(readLedger(Buffer.from(text)).unreadable.length),
  }),
  'what tools of the host print': () => ({
    seeds: textsIn('test/fixtures/host', /\.txt$/),
    share: 20,
    read: (text) =>
      nothingTold(
        [parseIfconfig, parseKldstat, parsePciconf, parseSysctl].map((parse) => parse(text) === undefined).join(),
      ),
  }),
};

/** Texts that led to something new are changed further. */
const mostKept = 400;

test.each(Object.entries(readers))(
  '%s never ends in an error of ours, nor in endless problems',
  async (_title, make) => {
    let shares = 0;
    for (const each of Object.values(readers)) shares += (await each()).share;
    const { seeds, share, read } = await make();
    expect(seeds.length).toBeGreaterThan(0);
    const total = Math.ceil((inputs * share) / shares);
    const draw = drawsFrom(seed);
    const change = mutator(draw, seeds);
    const pool = [...seeds];
    const seen = new Set<string>();
    for (let count = 0; count < total; count += 1) {
      const text = change(pool[draw(pool.length)] ?? '', pool[draw(pool.length)] ?? '');
      const { problems, outcome } = await readOrThrow(read, text);
      if (problems.length > mostProblems + 2) throw new Error(`${problems.length} problems of ${JSON.stringify(text)}`);
      const signature = [outcome, ...new Set(problems.map(({ code }) => code))].sort().join();
      if (!seen.has(signature) && seen.size < mostKept) {
        seen.add(signature);
        pool.push(text);
      }
    }
  },
);

async function readOrThrow(read: Reader['read'], text: string): Promise<Told> {
  try {
    return await read(text);
  } catch (error) {
    throw new Error(`of ${JSON.stringify(text)}`, { cause: error });
  }
}
