// A small VM manager: runs every spec of a folder, prints what happens, and runs a VM again that died.
//   node examples/manager.mjs [FOLDER]      Ctrl-C or SIGTERM stops all of them, a second one at once.
// Where there is no bhyve it runs the simulator. A first look at the library; docs/library.md has the rest.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadSpec, run } from 'vmrun';

const folder = process.argv[2] ?? fileURLToPath(new URL('manager', import.meta.url));
const simulator = fileURLToPath(import.meta.resolve('vmrun/bhyve-sim'));
const simulated = { bhyve: [process.execPath, simulator], check: false, runBase: path.join(tmpdir(), 'vmrun-manager') };
// A bhyve that lives on after this process was killed is taken over by the next.
const options = { adopt: true, ...(process.platform === 'freebsd' ? {} : simulated) };

const running = new Set();
let isStopping = false;

/** Runs the VM of a spec until it powers off or a stop is asked for. What the file says by then holds for the next boot. */
async function keepAlive(file) {
  while (!isStopping) {
    const vm = run(() => loadSpec(file), options);
    running.add(vm);
    for await (const event of vm.events) console.log(JSON.stringify({ vm: vm.state().name, ...event }));
    running.delete(vm);
    const { end, error } = await vm.result.catch((error) => ({ error }));
    if (isStopping || end?.kind === 'powered-off') return;
    console.log(JSON.stringify({ vm: vm.state().name, kind: 'again', after: error?.message ?? end?.kind }));
    await pause(1000);
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    const asked = { kind: 'stop', now: isStopping };
    isStopping = true;
    for (const vm of running) {
      vm.request(asked).then(({ problem }) => problem && console.error(`${vm.state().name}: ${problem.message}`));
    }
  });
}
// kill -USR2: what each VM does.
process.on('SIGUSR2', () => running.forEach((vm) => console.log(JSON.stringify(vm.state()))));

const files = readdirSync(folder).filter((name) => /\.(json|ya?ml)$/.test(name));
await Promise.all(files.map((name) => keepAlive(path.join(folder, name))));
