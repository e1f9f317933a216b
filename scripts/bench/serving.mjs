// What `vmrun serve` costs: at rest with none and with many VMs, when all start, and while many ask.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { median, quantile, report } from './measure.mjs';
import { canLook, processorMs, settled, usage } from './process-usage.mjs';
import { allBooted, client, makeHost, nowMs, serve, watch } from './served.mjs';

const mib = (kib) => (kib / 1024).toFixed(1);

/** A manager without VMs, beside a node that does nothing. */
export async function serveAtRest(scratch) {
  if (!canLook) return;
  const manager = await serve(makeHost(scratch, { count: 0 }));
  const idle = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e9)'], { stdio: 'ignore' });
  try {
    await settled(manager.pid);
    const beforeMs = processorMs(manager.pid);
    await wait(10_000);
    const ms = processorMs(manager.pid) - beforeMs;
    // What a tick is made of: whether one falls into these seconds is chance where there is any work.
    report('vmrun serve at rest, processor time in 10 s', `${ms.toFixed(2)} ms`, '< 1 ms', ms < 1);
    const [ours, bare] = [usage(manager.pid), usage(idle.pid)];
    const row = (key) => `${mib(ours[key])} / ${mib(bare[key])} MiB = ${(ours[key] / bare[key]).toFixed(3)}`;
    report('vmrun serve at rest / an idle node, resident memory', row('kib'), '<= 1.5', ours.kib / bare.kib <= 1.5);
    report('the same, memory that nobody shares', row('privateKib'), '', undefined);
  } finally {
    idle.kill('SIGKILL');
    await manager.end();
  }
}

/** 300 VMs at rest, which this manager has started, or taken over. */
export async function serveMany(scratch) {
  if (!canLook) return;
  const [count, restMs] = [300, 20_000];
  const host = makeHost(scratch, { count, fields: { autostart: true } });
  const none = await serve(makeHost(scratch, { count: 0 }));
  const { privateKib: baseKib } = await settled(none.pid);
  await none.end();
  for (const [how, kinds, signal] of [
    ['started', ['boot'], 'SIGUSR2'],
    ['adopted', ['adopted'], 'SIGTERM'],
  ]) {
    const manager = await serve(host);
    try {
      await allBooted(host, host.names, { kinds });
      const { privateKib } = await settled(manager.pid, 1);
      const each = (privateKib - baseKib) / 1024 / count;
      report(`each of ${count} VMs ${how}, memory of vmrun serve`, `${each.toFixed(3)} MiB`, '<= 0.35', each <= 0.35);
      const beforeMs = processorMs(manager.pid);
      await wait(restMs);
      const percent = (100 * (processorMs(manager.pid) - beforeMs)) / restMs;
      report('all of them at rest, of a core', `${percent.toFixed(3)} %`, '<= 0.5 %', percent <= 0.5);
    } finally {
      await manager.end(signal);
    }
  }
}

/** 50 VMs that wait for nobody, from the start of the manager's process to the last bhyve. */
export async function serveStart(scratch) {
  const host = makeHost(scratch, { count: 50, fields: { autostart: true } });
  const manager = await serve(host);
  try {
    report('vmrun serve, until it listens', `${manager.listeningMs.toFixed(0)} ms`, '', undefined);
    const ms = (await allBooted(host, host.names)) - manager.startMs;
    report('50 VMs start by themselves, with checks', `${ms.toFixed(0)} ms`, '<= 3000 ms', ms <= 3000);
  } finally {
    await manager.end();
  }
}

/** From the end of a manager until the next one has taken over what it left, again and again. */
export async function serveHandOver(scratch) {
  const [count, rounds, mostMs] = [50, 5, 2000];
  const host = makeHost(scratch, { count, fields: { autostart: true } });
  let manager = await serve(host);
  const times = [];
  try {
    await allBooted(host, host.names);
    for (let round = 0; round < rounds; round += 1) {
      await manager.end('SIGUSR2');
      const endedMs = nowMs();
      manager = await serve(host);
      times.push((await allBooted(host, host.names, { kinds: ['adopted'] })) - endedMs);
    }
  } finally {
    await manager.end();
  }
  const [ms, worst] = [median(times), Math.max(...times)];
  const figure = `${ms.toFixed(0)} ms, at worst ${worst.toFixed(0)}`;
  report(`from a manager to the next, with ${count} VMs`, figure, `<= ${mostMs} ms`, ms <= mostMs);
}

/**
 * 10 clients that ask for all 300 VMs, each again 30 to 75 ms after its answer. Meanwhile the guest of one reboots again and
 * again: its bhyve waits for a line, and ends. The time of its end is ours, that of the next boot is the manager's.
 */
export async function serveList(scratch) {
  const [count, clients, reboots] = [300, 10, 60];
  const guest = `case $name in vm0) mkfifo "$0.line" 2>/dev/null; read -r line <"$0.line"; exit 0;; esac; exec sleep 3600`;
  const host = makeHost(scratch, { count, fields: { autostart: true }, guest });
  const manager = await serve(host);
  let onBoot = () => undefined;
  const boots = watch(
    host.socket,
    (_id, text) => {
      const { event } = JSON.parse(text);
      if (event?.kind === 'boot') onBoot(event.monotonicMs);
    },
    { vm: 'vm0' },
  );
  const askers = Array.from({ length: clients }, () => client(host.socket));
  try {
    await allBooted(host, host.names);
    await boots.ready;
    await wait(3000);
    const times = [];
    let isOver = false;
    const ask = async ({ ask: send }, index) => {
      while (!isOver) {
        const from = performance.now();
        await send('GET', '/vms');
        times.push(performance.now() - from);
        isOver ||= gaps.length >= reboots;
        // Each at its own pace, so that they do not stay in step.
        await wait(30 + 5 * index);
      }
    };
    const gaps = [];
    const reboot = async () => {
      while (gaps.length < reboots) {
        const booted = new Promise((resolve) => (onBoot = resolve));
        // Whoever reads it is there by then.
        await wait(100);
        const endedMs = nowMs();
        writeFileSync(host.file('bhyve.line'), '\n');
        gaps.push((await booted) - endedMs);
      }
    };
    await Promise.all([...askers.map(ask), reboot()]);
    const [p50, p99, p95] = [quantile(times, 0.5), quantile(times, 0.99), quantile(gaps, 0.95)];
    report(`GET /vms of ${count} VMs, ${clients} clients, p50`, `${p50.toFixed(1)} ms`, '', undefined);
    report(`the same, p99 of ${times.length}`, `${p99.toFixed(1)} ms`, '<= 25 ms', p99 <= 25);
    report('exit of bhyve -> next bhyve meanwhile, p50', `${median(gaps).toFixed(1)} ms`, '', undefined);
    report(`the same, p95 of ${gaps.length}`, `${p95.toFixed(1)} ms`, '<= 30 ms', p95 <= 30);
  } finally {
    boots.end();
    for (const asker of askers) asker.end();
    await manager.end();
  }
}

/**
 * Bursts of events to 90 watchers, first by themselves, then beside 10 who read nothing. Every request that is refused
 * makes two events.
 */
export async function serveEvents(scratch) {
  const [readers, stuck, bursts, requests] = [90, 10, 25, 20];
  const host = makeHost(scratch, { count: 1 });
  const manager = await serve(host);
  const asker = client(host.socket);
  const watchers = [];
  try {
    let [lost, wrong, left, target] = [0, 0, 0, Infinity];
    let onAll = () => undefined;
    const number = (id) => Number(id.split('-')[1]);
    for (let index = 0; index < readers; index += 1) {
      let last;
      const watcher = watch(host.socket, (id) => {
        const now = number(id);
        if (last !== undefined && now > last + 1) lost += now - last - 1;
        if (last !== undefined && now <= last) wrong += 1;
        last = now;
        if (now < target || watcher.isDone) return;
        watcher.isDone = true;
        left -= 1;
        if (left === 0) onAll();
      });
      watchers.push(watcher);
      await watcher.ready;
    }
    let told = 0;
    const burst = async () => {
      for (const watcher of watchers) watcher.isDone = false;
      const from = performance.now();
      target = Infinity;
      left = readers;
      const all = new Promise((resolve) => (onAll = resolve));
      for (let index = 1; index < requests; index += 1) await asker.ask('POST', '/vms/vm0/power-button');
      told += 2 * requests;
      target = told;
      await asker.ask('POST', '/vms/vm0/power-button');
      await all;
      return performance.now() - from;
    };
    const times = async () => {
      await burst();
      const found = [];
      for (let index = 0; index < bursts; index += 1) found.push(await burst());
      return median(found);
    };
    const alone = await times();
    for (let index = 0; index < stuck; index += 1) {
      const watcher = watch(host.socket, () => undefined);
      watchers.push(watcher);
      (await watcher.ready).pause();
    }
    const beside = await times();
    const each = (ms) => ((ms * 1000) / (2 * requests * readers)).toFixed(1);
    const share = beside / alone;
    report(
      `${told} events to ${readers} watchers, lost / out of order`,
      `${lost} / ${wrong}`,
      '0 / 0',
      lost + wrong === 0,
    );
    report('an event to a watcher', `${each(alone)} us`, '', undefined);
    const figure = `${beside.toFixed(0)} / ${alone.toFixed(0)} ms = ${share.toFixed(2)}`;
    report(`beside ${stuck} who do not read / without them, time`, figure, '<= 1.25', share <= 1.25);
  } finally {
    for (const { end } of watchers) end();
    asker.end();
    await manager.end();
  }
}
