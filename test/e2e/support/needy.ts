import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { quoteCommand } from '../../../src/base/shell.js';
import { fixture, makeFakeHost, type FakeHost } from '../../host/fake-host.js';
import { inPlace, simulatorCommand, type Place } from './place.js';
import { runVmrun, startVmrun, type Ended, type Running, type Surroundings } from './vmrun.js';

/** A place whose tools are those of a fake host, and a bhyve that is the simulator. */
export interface HostedPlace {
  readonly place: Place;
  readonly host: FakeHost;
  /** A bhyve that anybody takes for the real one. */
  readonly bhyve: string;
  readonly start: (words: readonly string[], about?: Surroundings) => Running;
  readonly vmrun: (words: readonly string[], about?: Surroundings) => Promise<Ended>;
  /** Words of a run and of a check with this bhyve, on `vm.json`. */
  readonly running: (...more: readonly string[]) => readonly string[];
  readonly checking: (...more: readonly string[]) => readonly string[];
}

export const onFakeHost = (use: (hosted: HostedPlace) => Promise<void>): Promise<void> =>
  inPlace(async (place) => {
    const host = makeFakeHost();
    try {
      const bhyve = place.script('bhyve', `exec ${quoteCommand(simulatorCommand)} "$@"`);
      const words = ['-c', 'vm.json', '--run-dir', place.runBase, '--bhyve', bhyve];
      const surroundings = (about: Surroundings = {}): Surroundings => ({
        ...about,
        env: { ...host.env, ...about.env },
      });
      await use({
        place,
        host,
        bhyve,
        start: (all, about) => startVmrun(place, all, surroundings(about)),
        vmrun: (all, about) => runVmrun(place, all, surroundings(about)),
        running: (...more) => [...words, ...more],
        checking: (...more) => ['check', ...words, ...more],
      });
    } finally {
      host.remove();
    }
  });

/** Seven things are wrong with the host of this VM; `close` ends what keeps its VNC port busy. */
export interface Needy {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Writes a spec and makes the fake host as it must not be for it. */
export async function needyVm({ place, host }: HostedPlace): Promise<Needy> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  writeFileSync(place.path('rom.fd'), Buffer.alloc(4096));
  host.addInterface('tap3', { pid: 812 });
  host.setModules(fixture('kldstat.txt').replace(/^.*nmdm\n/m, ''));
  await leaveSocket(place.path('console.sock'));
  const spec = {
    name: place.name,
    cpu: 2,
    mem: '512M',
    bootrom: 'rom.fd',
    com1: '/dev/nmdm0A',
    restart: { delay: 0 },
    graphic: { host: '127.0.0.1', port },
    emulations: [
      { device: 'virtio-blk', path: 'disk.img' },
      { device: 'virtio-net', name: 'tap7' },
      { device: 'virtio-net', name: 'tap3' },
      { device: 'passthru', src: '3:0:0' },
      { device: 'virtio-console', ports: ['console.sock'] },
    ],
  };
  place.write('vm.json', `${JSON.stringify(spec, undefined, 2)}\n`);
  return { port, close: () => closed(server) };
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
}

/** A socket as a program leaves it that was killed: the file of one that nobody listens on. */
async function leaveSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script], { stdio: 'ignore' }), 'exit');
}

/** What looks at a host and changes nothing. */
export const looks: readonly string[] = ['ifconfig', 'kldstat -v', 'pciconf -l'];
