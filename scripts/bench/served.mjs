// A `vmrun serve` of its own, as an admin runs it, with small scripts for bhyve and for the tools of the host.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { makeTools } from './host-tools.mjs';
import { root } from './measure.mjs';

/** The clock of events. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * A folder of specs, and what a manager of it needs.
 * @param guest what bhyve does, as a script of sh; it has the name of its VM in $name
 */
export function makeHost(scratch, { count, fields = {}, guest = 'exec sleep 3600' }) {
  const folder = mkdtempSync(path.join(scratch, 'host-'));
  const file = (...names) => path.join(folder, ...names);
  mkdirSync(file('specs'));
  writeFileSync(file('rom.fd'), Buffer.alloc(4096));
  const names = Array.from({ length: count }, (_, index) => `vm${index}`);
  for (const name of names) {
    const spec = { name, cpu: 1, mem: '64M', bootrom: file('rom.fd'), restart: { delay: 0 }, ...fields };
    writeFileSync(file('specs', `${name}.json`), JSON.stringify(spec));
  }
  writeFileSync(file('bhyve'), `#!/bin/sh\nfor name; do :; done\n${guest}\n`, { mode: 0o755 });
  const configuration = { specs: file('specs'), state: file('state'), run_dir: file('run'), bhyve: file('bhyve') };
  writeFileSync(file('manager.json'), JSON.stringify({ ...configuration, stop_budget: '20s' }));
  return { file, names, socket: file('run', 'manager.sock'), tools: makeTools(folder) };
}

/** Starts a manager. Resolves when it listens. */
export async function serve({ file, socket, tools }) {
  const startMs = nowMs();
  const words = [path.join(root, 'bin/vmrun.js'), 'serve', '-c', file('manager.json')];
  const env = { ...process.env, PATH: `${tools}:${process.env.PATH}` };
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let said = '';
  let isListening = () => undefined;
  const listening = new Promise((resolve) => (isListening = resolve));
  child.stderr.setEncoding('utf8').on('data', (text) => {
    if (said.length < 100_000) said += text;
    if (said.includes(': listens at ')) isListening();
  });
  await Promise.race([
    listening,
    ended.then((status) => {
      throw new Error(`vmrun serve ended with ${status}: ${said}`);
    }),
  ]);
  return {
    ...{ socket, startMs, pid: child.pid, listeningMs: nowMs() - startMs },
    /** @param signal SIGUSR2 leaves its VMs running */
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      const status = await ended;
      if (status !== 0) throw new Error(`vmrun serve ended with ${status}: ${said.slice(-2000)}`);
    },
  };
}

/** One connection that is kept. */
export function client(socketPath) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    /** @returns the body, which is read to its end */
    ask: (method, where, body) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const headers = text === undefined ? {} : { 'content-type': 'application/json' };
        const sent = request({ agent, socketPath, method, path: `/api/v1${where}`, headers });
        sent.once('error', reject);
        sent.once('response', (response) => {
          const parts = [];
          response.on('data', (part) => parts.push(part));
          response.once('error', reject);
          response.once('end', () => {
            const found = Buffer.concat(parts);
            if (response.statusCode < 300) resolve(found);
            else reject(new Error(`${method} ${where}: ${response.statusCode} ${found}`));
          });
        });
        sent.end(text);
      }),
    end: () => agent.destroy(),
  };
}

/**
 * Listens to events.
 * @param onEvent gets the id and the text of each
 * @param after 'first': those, too, that were before. @param vm of that VM alone
 */
export function watch(socketPath, onEvent, { after, vm } = {}) {
  const headers = after === undefined ? {} : { 'last-event-id': after };
  const where = `/api/v1/events${vm === undefined ? '' : `?vm=${vm}`}`;
  const sent = request({ socketPath, path: where, headers, agent: false });
  const open = new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', resolve);
  });
  const ready = open.then((response) => {
    let rest = '';
    response.setEncoding('utf8').on('data', (piece) => {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const id = /^id: (.*)$/m.exec(block)?.[1];
        const text = /^data: (.*)$/m.exec(block)?.[1];
        // Where it begins is told without an event.
        if (id !== undefined && text !== undefined) onEvent(id, text);
      }
    });
    response.on('error', () => undefined);
    return response;
  });
  sent.end();
  return { ready, end: () => sent.destroy() };
}

/** Resolves when every VM has booted. @returns the moment of the last boot, by the clock of events */
export function allBooted({ socket }, names, { kinds = ['boot'] } = {}) {
  const left = new Set(names);
  let lastMs = 0;
  return new Promise((resolve, reject) => {
    const { ready, end } = watch(
      socket,
      (_id, text) => {
        const { kind, vm, event, operation } = JSON.parse(text);
        if (kind === 'operation' && operation.state === 'failed') reject(new Error(text));
        if (kind !== 'run' || !kinds.includes(event.kind)) return;
        lastMs = Math.max(lastMs, event.monotonicMs);
        left.delete(vm);
        if (left.size > 0) return;
        end();
        resolve(lastMs);
      },
      { after: 'first' },
    );
    ready.catch(reject);
  });
}
