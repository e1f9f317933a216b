import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { inPlace, type Place } from './support/place.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = (name: string): string => readFileSync(path.join(root, 'man', name), 'utf8');

/** The literal blocks of a page's examples, as a reader sees them. */
function blocks(name: string): readonly string[] {
  const [, examples = ''] = page(name).split('.Sh EXAMPLES\n');
  const [own = ''] = examples.split(/^\.Sh /m);
  return [...own.matchAll(/^\.Bd -literal\n([^]*?)\n\.Ed$/gm)].map(([, text = '']) => text.replaceAll('\\e', '\\'));
}

/** Its commands, without what is said beside or below them. */
const commandsOf = (name: string): readonly string[] =>
  blocks(name)
    .filter((block) => !/^[{#]/.test(block))
    .flatMap((block) => block.replaceAll(/\\\n */g, '').split('\n'))
    .filter((line) => !line.startsWith(' '))
    .map((line) => line.replace(/ {2,}.*$/, ''));

const specBlock = blocks('vmrun.8').find((block) => block.startsWith('{')) ?? '';

/** What ends with another status than 0, and why. A host that is not FreeBSD, or has no such files, is not ready. */
const statuses: readonly (readonly [command: RegExp, status: readonly number[], why: string])[] = [
  [/--simulate=reboot,power_off|--bhyve bhyve-sim/, [1], 'the guest has powered off'],
  [/VMRUN_SIM_SCRIPT=halt.*echo/, [0], 'echo shows the 2'],
  [/^vmrun check/, [0, 69], 'the host may not be ready'],
  [/vmrun console .*\| tee/, [0], 'tee has no part in it'],
  [/^vmrun stop|vmrun console/, [69], 'there is no such VM'],
  [/^vmrun init(?!.*--yes)/, [64], 'it asks at a terminal only'],
];

/** What needs more than vmrun, would start a VM of this host, or asks a manager: test/e2e/serve.test.ts types that. */
const left =
  /^vmrun -c vm\.(json|conf)$|iohyve|jq|\/\*\/|^source|^vmrun completion (fish|tcsh)|vmrun (serve|ls|start|restart|logs|events|apply|remove|reload)\b|--manager|--all/;

/** A place with all that the examples name, but a VM name of its own. */
function prepare(place: Place): void {
  mkdirSync(place.path('bin'));
  for (const name of ['vmrun', 'bhyve-sim']) symlinkSync(path.join(root, 'bin', `${name}.js`), place.path('bin', name));
  const spec = (name: string): string => specBlock.replace('"freebsd"', JSON.stringify(name));
  place.write('vm.json', spec(place.name));
  place.write('new.json', spec(place.name));
  place.write('web.json', spec(`${place.name}-web`));
  place.write('db.json', spec(`${place.name}-db`));
  place.write('start.sh', 'bhyve -A -H -m 1G -s 0,hostbridge -s 31,lpc -l com1,stdio -l bootrom,/BHYVE_UEFI.fd web\n');
}

async function run(place: Place, command: string): Promise<{ status: number | null; said: string }> {
  // A VM of this host may have the name.
  const printed = command.replace(/^vmrun stop|vmrun console/, `$& --run-dir ${place.runBase}`);
  const env = { ...process.env, PATH: `${place.path('bin')}:${process.env.PATH ?? ''}` };
  const child = spawn('bash', ['-c', printed], { cwd: place.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, said };
}

test.each(['vmrun.8', 'bhyve-sim.8'])('every example of %s works as it is printed', async (name) => {
  const commands = commandsOf(name).filter((command) => !left.test(command));
  expect(commands.length).toBeGreaterThanOrEqual(4);
  await inPlace(async (place) => {
    prepare(place);
    const wrong: unknown[] = [];
    // What facts writes is read by the examples of check.
    const first = (command: string): boolean => command.startsWith('vmrun facts');
    for (const command of [...commands.filter(first), ...commands.filter((each) => !first(each))]) {
      const [, expected] = statuses.find(([pattern]) => pattern.test(command)) ?? [/./, [0]];
      const { status, said } = await run(place, command);
      if (!expected.includes(status ?? -1)) wrong.push({ command, status, said });
    }
    expect(wrong).toEqual([]);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('the status that an example shows is that of the page', async () => {
  await inPlace(async (place) => {
    prepare(place);
    const [halted = '', failed = ''] = commandsOf('bhyve-sim.8').filter((command) => command.endsWith('echo $?'));
    expect((await run(place, halted)).said).toMatch(/\n2\n$/);
    expect((await run(place, failed)).said).toMatch(/^1\n$/m);
  });
});

test('the spec that vmrun.json.5 shows is read', async () => {
  const [yaml = ''] = blocks('vmrun.json.5');
  await inPlace(async (place) => {
    prepare(place);
    place.write('vm.yaml', yaml);
    for (const target of ['default', 'install']) {
      expect(await run(place, `vmrun -c vm.yaml -t ${target} --dry-run`)).toMatchObject({ status: 0 });
    }
  });
});
