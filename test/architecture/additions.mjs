// Adds a device model and a flag that bhyve does not have, and commands that vmrun does not have, to a copy of the
// sources, each as CONTRIBUTING.md says, and prints what the copy then knows of them.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const scratch = mkdtempSync(path.join(tmpdir(), 'vmrun-additions-'));

const device = `
import { defineDevice, optional, whenSet } from './device.js';
import { file, flag, integer } from './json-schema.js';

export const virtioAbacus = defineDevice<{ readonly path: string; readonly beads?: number; readonly ro?: boolean }>({
  model: 'virtio-abacus',
  description: 'A counting frame.',
  schema: {
    required: ['path'],
    properties: { path: file('Its beads.'), beads: integer('How many.', 1, 99), ro: flag('They do not move.') },
  },
  example: { path: 'beads.img' },
  label: ({ path }) => path,
  variables: ({ path, beads, ro }) => [{ key: 'path', value: path }, ...optional('beads', beads), ...whenSet('ro', ro)],
  words: ({ path, beads, ro }) => [path, ...(beads === undefined ? [] : ['beads=' + beads]), ...(ro ? ['ro'] : [])],
  requirements: ({ path }) => [{ kind: 'file', path, types: ['regular file'], access: 'read', pointer: '/path' }],
});
`;

const flag = `
const countSheep = flag(
  'count_sheep',
  '-Z',
  'x86.count_sheep',
  'How it is run',
  'Count sheep while the guest is idle (-Z).',
  { since: { release: 15, what: 'sheep (-Z)' }, pcOnly: 'arm64 has no sheep', after: { written: 'yield_on_hlt' } },
);

`;

const sheepCommand = `
import { exitCodes } from '../exit-codes.js';
import { defineCommand } from '../define-command.js';
import { asLines } from '../paint.js';

const notes = \`
They do not mind.

Examples:
  vmrun sheep --woolly\`;

export const sheepCommand = defineCommand({
  name: 'sheep',
  description: 'Counts sheep.',
  usage: '[NAME] [options]',
  notes,
  declare: (command) => command.argument('[name]').option('--woolly', 'only woolly ones'),
  run: ({ context, operands: [name = 'all'], options, colours }) => {
    context.out(asLines([colours(1).bold(name + (options.woolly === true ? ' woolly' : '') + ' sheep')]));
    return exitCodes.ok;
  },
});
`;

const flockCommand = `
import { defineGroup } from '../define-command.js';

export const flockCommand = defineGroup({
  name: 'flock',
  description: 'Keeps sheep.',
  notes: '\\nExamples:\\n  vmrun flock add dolly',
});
`;

const flockAddCommand = `
import { exitCodes } from '../exit-codes.js';
import { defineCommand } from '../define-command.js';
import { asLines } from '../paint.js';

export const flockAddCommand = defineCommand({
  name: 'flock add',
  description: 'Adds a sheep.',
  usage: 'NAME',
  notes: '\\nExamples:\\n  vmrun flock add dolly',
  hasColours: false,
  declare: (command) => command.argument('<name>'),
  run: ({ context, operands: [name] }) => {
    context.out(asLines([name + ' is in the flock']));
    return exitCodes.ok;
  },
});
`;

const commandLines = `  sheep: {
    summary: 'count sheep',
    load: async () => (await import('./commands/sheep.js')).sheepCommand,
  },
  flock: {
    summary: 'keep sheep',
    load: async () => (await import('./commands/flock.js')).flockCommand,
    commands: {
      add: {
        summary: 'add a sheep',
        load: async () => (await import('./commands/flock-add.js')).flockAddCommand,
      },
    },
  },
`;

const entry = `
import { explain } from './src/machine/explain.js';
import { loadSpecText } from './src/machine/load-spec.js';
import { plan } from './src/machine/plan.js';
import { machineGraph } from './src/graph/machine-graph.js';
import { readDevice } from './src/devices/readers/registry.js';
import { fieldReaders } from './src/fields/readers/registry.js';
import { inReadingOrder } from './src/import/spec-object.js';
import { publishedSchema } from './src/spec/published-schema.js';
import { chapters } from './scripts/docs/spec-document.js';
import { commandsDocument } from './scripts/docs/commands-document.js';
import { vmrunPage } from './scripts/docs/man/vmrun-page.js';
import { vmrun } from './src/cli/vmrun.js';
import { writable } from './src/cli/paint.js';

const load = (more) => loadSpecText({
  name: 'vm.json',
  text: JSON.stringify({
    name: 'vm', cpu: 1, mem: '1G', count_sheep: true,
    emulations: [{ device: 'virtio-abacus', path: '/beads.img', beads: 7, ro: true }],
    ...more,
  }),
  format: 'json',
  resolveFile: (file) => file,
});
const codes = ({ problems = [] }) => problems.map(({ code, place }) => code + ' ' + place.pointer);

const loaded = await load({});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const { value: machine } = plan(loaded.value, 'default');
const explained = explain(loaded.value, 'default').value;
const platform = { release: 15, arch: 'amd64' };
const below = (prefix) => new Map(machine.variables.flatMap(({ key, value }) => key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : []));
const typed = async (line) => {
  let said = '';
  const write = (text) => void (said += writable(text));
  const status = await vmrun(line.split(' '), {
    workingDirectory: '/', env: {}, uid: 0, platform: 'freebsd', hostBhyve: {}, simulator: [],
    out: write, err: write, divertErr: () => {}, onSignals: () => () => {}, onExit: () => {},
  });
  return [status, said];
};
const offered = async (line) => (await typed('completion zsh --answer -- ' + line))[1];
const [, readFlag] = fieldReaders.find(([field]) => field === 'count_sheep');
const schema = publishedSchema();
console.log(JSON.stringify({
  ran: await typed('sheep --woolly --color dolly'),
  help: (await typed('sheep --help'))[1],
  wrong: await typed('sheep --wooly'),
  listed: [(await typed('help'))[1], (await typed('--help'))[1]],
  behind: [await typed('flock add dolly'), await typed('help flock add'), await typed('help flock')],
  refused: [await typed('flock'), await typed('flock ad'), await typed('flock add'), await typed('help flock shear')],
  documents: [await commandsDocument(), await vmrunPage()],
  offered: [await offered('2 vmrun sheep --'), await offered('2 vmrun flock a'), await offered('3 vmrun help flock a')],
  argv: machine.argv,
  variables: machine.variables.map(({ key, value }) => key + '=' + value),
  source: explained.find(({ words }) => words[0] === '-Z').sources[0].place.pointer,
  tooOld: codes(await load({ release: 14 })),
  onArm: codes(await load({ arch: 'arm64', release: 15, emulations: [] })),
  required: machine.requirements.filter(({ subject }) => subject.includes('abacus')).map(({ need }) => need.kind + ' ' + need.path),
  connections: machineGraph(machine).buses.flatMap(({ devices }) => devices).find(({ model }) => model === 'virtio-abacus').connections,
  readDevice: readDevice('virtio-abacus', below('pci.0.1.0.'), platform),
  readFlag: readFlag({ platform, variables: below(''), readBoolean: (text) => text === 'true', whenUnset: () => undefined }),
  written: Object.keys(inReadingOrder({ strict_io: true, yield_on_pause: true, count_sheep: true, yield_on_hlt: true })),
  schema: ['count_sheep' in schema.properties, 'virtio-abacus' in schema.$defs],
  chapter: chapters.find(([, fields]) => fields.includes('count_sheep'))?.[0],
}));
`;

/** Puts text before the first place where a mark stands in a file of the copy. */
function insert(file, mark, text) {
  const at = path.join(scratch, file);
  const before = readFileSync(at, 'utf8');
  const index = before.indexOf(mark);
  if (index === -1) throw new Error(`${file} has no ${mark}`);
  writeFileSync(at, before.slice(0, index) + text + before.slice(index));
}

try {
  for (const folder of ['src', 'scripts'])
    cpSync(path.join(root, folder), path.join(scratch, folder), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(scratch, 'node_modules'));
  writeFileSync(path.join(scratch, 'src/devices/virtio-abacus.ts'), device);
  insert('src/devices/registry.ts', 'import { virtioBlk', "import { virtioAbacus } from './virtio-abacus.js';\n");
  insert('src/devices/registry.ts', '  virtioBlk,\n', '  virtioAbacus,\n');
  insert('src/fields/flags.ts', 'const strictIo', flag.slice(1));
  insert('src/fields/flags.ts', '  strictIo,\n', '  countSheep,\n');
  writeFileSync(path.join(scratch, 'src/cli/commands/sheep.ts'), sheepCommand);
  writeFileSync(path.join(scratch, 'src/cli/commands/flock.ts'), flockCommand);
  writeFileSync(path.join(scratch, 'src/cli/commands/flock-add.ts'), flockAddCommand);
  insert('src/cli/commands.ts', '  help: {\n', commandLines);
  const outfile = path.join(scratch, 'facts.mjs');
  await build({
    stdin: { contents: entry, resolveDir: scratch },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    define: { VMRUN_VERSION: '"1.0.0"' },
    outfile,
    logLevel: 'error',
  });
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
