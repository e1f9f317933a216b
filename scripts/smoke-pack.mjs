// What a user gets: the packed package, installed in an empty folder, does a dry run and a simulated run, and serves
// as a library to a typed script. Run with each version of node that is to work.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-pack-'));
const env = { ...process.env, XDG_RUNTIME_DIR: folder };

async function must(what, command, args, { status = 0, prints } = {}) {
  const result = await execa(command, args, { cwd: folder, env, stdin: 'ignore', all: true, reject: false });
  const isRight = result.exitCode === status && (prints === undefined || prints.test(result.all));
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${what}`);
  if (isRight) return;
  console.log(`${command} ${args.join(' ')}: status ${result.exitCode}\n${result.all}`);
  process.exitCode = 1;
}

function check(what, isRight) {
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${what}`);
  if (!isRight) process.exitCode = 1;
}

const library = `import { loadSpec, plan, run } from 'vmrun';
const spec = await loadSpec('vm.json');
const machine = plan(spec, 'install');
if (!machine.ok) throw new Error('no plan');
console.log(machine.value.argv.length > 10, machine.value.devices.map(({ model }) => model).join(' '));
const simulator = new URL(import.meta.resolve('vmrun/bhyve-sim')).pathname;
const env = { VMRUN_SIM_SCRIPT: 'reboot,power_off' };
const vm = run(spec, { target: 'install', bhyve: [process.execPath, simulator], check: false, runBase: 'run', env });
for await (const event of vm.events) if (event.kind === 'boot') console.log(event.boot, event.target);
console.log((await vm.result).end?.kind);
`;

try {
  await execa('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "smoke", "private": true, "type": "module" }\n');
  cpSync(path.join(root, 'examples/freebsd.json'), path.join(folder, 'vm.json'));
  writeFileSync(path.join(folder, 'manager.ts'), library);
  writeFileSync(path.join(folder, 'manager.mjs'), library);
  await must('installs', 'npm', ['install', '--silent', '--no-audit', '--no-fund', `./${tarball}`]);
  const programs = path.join(folder, 'node_modules/vmrun/dist/bin');
  const caches = () => readdirSync(programs).filter((name) => name.endsWith('.cache'));
  check('brings no code that another Node.js has compiled', caches().length === 0);
  await must('makes caches', process.execPath, ['node_modules/vmrun/bin/compile-cache.js']);
  check(`  of ${process.version}`, caches().length === 2 && caches().every((name) => name.includes(process.version)));
  const vmrun = (args, expected) =>
    must(`vmrun ${args.join(' ')}`, process.execPath, ['node_modules/vmrun/bin/vmrun.js', ...args], expected);
  await must('npx vmrun --version', 'npx', ['vmrun', '--version'], { prints: /^\d+\.\d+\.\d+$/m });
  await vmrun(['-c', 'vm.json', '--dry-run'], { prints: /^bhyve .*virtio-net,tap3 .* freebsd-test$/m });
  await vmrun(['-c', 'vm.json', '-t', 'install', '--simulate=reboot,power_off'], {
    status: 1,
    prints: /boot 2, target default/,
  });
  await vmrun(['schema'], { prints: /"\$id": "urn:vmrun:schema:vm"/ });
  await vmrun(['init', '--yes', '--name', 'first', '--iso', 'disc1.iso'], {
    prints: /vmrun check first\.yaml --all-targets/,
  });
  await vmrun(['-c', 'first.yaml', '-t', 'install', '--simulate=power_off', '--console-log', 'console.log'], {
    status: 1,
  });
  const said = readFileSync(path.join(folder, 'console.log'), 'utf8');
  check('  its guest finds the CD, as its console says', /pci 0:3:0: ahci/.test(said));
  await vmrun(['completion', 'bash', '--answer', '--', ' ', 'vmrun -c first.yaml -t i', ''], { prints: /^install$/m });
  const man = path.join(folder, 'prefix/share/man');
  await must('installs its manual pages', 'npm', ['install', '--silent', '-g', '--prefix', 'prefix', `./${tarball}`]);
  for (const page of ['man8/vmrun.8', 'man5/vmrun.json.5', 'man8/bhyve-sim.8']) {
    await must(`  ${page}`, 'grep', ['-q', '^.Sh NAME', path.join(man, page)]);
  }
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const types = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')];
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', 'false'];
  await must('the library type-checks', process.execPath, [tsc, ...options, ...types, 'manager.ts']);
  await must('the library works', process.execPath, ['manager.mjs'], {
    prints: /1 install[^]*2 default[^]*powered-off/,
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
