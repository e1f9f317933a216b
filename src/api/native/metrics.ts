import { Counter, Gauge, Registry, type OpenMetricsContentType } from 'prom-client';
import type { RunTool } from '../../host/process/tools.js';
import { rebootsLeft } from '../../supervisor/policy.js';
import type { NativeSite } from './site.js';
import type { Tally } from './tally.js';
import type { UsageWatch } from './usage.js';
import { machineOf } from './vm-reports.js';

/** Bytes of an interface, as the host counts them. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

/** The text of one scrape: one ps(1) and one netstat(1) for all VMs, and nothing is kept between two. */
export async function metricsText(
  site: NativeSite,
  { tally, usage }: { readonly tally: Tally; readonly usage: UsageWatch },
): Promise<{ readonly type: string; readonly content: string }> {
  const vms = site.manager.vms();
  const pids = vms.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  const interfaces = interfacesOf(site);
  const [taken, traffic] = await Promise.all([
    usage.of(pids),
    interfaces.length === 0 ? new Map<string, Traffic>() : trafficOf(site.run),
  ]);
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const own = { registers: [registry] };
  const gauge = (name: string, help: string, ...labelNames: readonly string[]) =>
    new Gauge({ ...own, name: `vmrun_${name}`, help, labelNames: [...labelNames] });
  const counter = (name: string, help: string, ...labelNames: readonly string[]) =>
    new Counter({ ...own, name: `vmrun_${name}`, help, labelNames: [...labelNames] });

  gauge('info', 'The version of vmrun.', 'version').set({ version: site.version }, 1);
  const state = gauge('vm_state', 'What the VM is doing: 1 for the state that it is in.', 'vm', 'state');
  const wanted = gauge('vm_wanted', 'Whether the VM is wanted running.', 'vm');
  const problems = gauge('vm_spec_problems', 'What is wrong with the file of its spec.', 'vm');
  const boots = counter('vm_boots', 'Boots since the manager started.', 'vm');
  const exits = counter('vm_exits', 'Ends of bhyve since the manager started, by reason.', 'vm', 'reason');
  const left = gauge(
    'vm_restart_budget_left',
    'Reboots that restart.max of the spec of the running VM still allows within its window.',
    'vm',
  );
  const cpu = counter('vm_cpu_seconds', 'Processor time of the running bhyve.', 'vm');
  const memory = gauge('vm_memory_bytes', 'Memory of the running bhyve, with that of its guest.', 'vm');
  const received = counter(
    'vm_interface_received_bytes',
    "Bytes that the host's interface of the VM received: those that the guest sent.",
    'vm',
    'interface',
  );
  const sent = counter(
    'vm_interface_sent_bytes',
    "Bytes that the host's interface of the VM sent: those that the guest received.",
    'vm',
    'interface',
  );

  const now = site.clock.now();
  for (const view of vms) {
    const { name: vm, pid } = view;
    state.set({ vm, state: view.state }, 1);
    wanted.set({ vm }, view.wanted.state === 'running' ? 1 : 0);
    problems.set({ vm }, view.spec.problems.filter(({ severity }) => severity === 'error').length);
    boots.inc({ vm }, tally.boots.get(vm) ?? 0);
    for (const [reason, count] of tally.exits.get(vm) ?? []) exits.inc({ vm, reason }, count);
    if (view.restart !== undefined) {
      const bootSince = pid === undefined ? undefined : view.bootSince;
      left.set({ vm }, rebootsLeft(view.restart, { bootSince, now }));
    }
    const process = pid === undefined ? undefined : taken.get(pid);
    if (process === undefined) continue;
    cpu.inc({ vm }, process.cpuSeconds);
    memory.set({ vm }, process.memoryBytes);
  }
  for (const { vm, name } of interfaces) {
    const bytes = traffic.get(name);
    if (bytes === undefined) continue;
    received.inc({ vm, interface: name }, bytes.received);
    sent.inc({ vm, interface: name }, bytes.sent);
  }
  return { type: registry.contentType, content: await registry.metrics() };
}

/** The host's interfaces of what runs. */
function interfacesOf(site: NativeSite): readonly { readonly vm: string; readonly name: string }[] {
  return site.manager.vms().flatMap(({ name: vm, pid, target }) => {
    if (pid === undefined || target === undefined) return [];
    const needs = machineOf(site, vm, target)?.requirements ?? [];
    return needs.flatMap(({ need }) => (need.kind === 'interface' ? [{ vm, name: need.name }] : []));
  });
}

async function trafficOf(run: RunTool): Promise<ReadonlyMap<string, Traffic>> {
  const { exitCode, stdout } = await run(['netstat', '-ibnW'], { env: { LC_ALL: 'C' } });
  return exitCode === 0 ? readTraffic(stdout) : new Map();
}

/** What FreeBSD's netstat(1) prints for `-ibnW`: the line of an interface's link has all that passed. */
export function readTraffic(text: string): ReadonlyMap<string, Traffic> {
  const [head = '', ...lines] = text.split('\n');
  // From the end: the address may be missing.
  const columns = head.trim().split(/\s+/);
  const fromEnd = (column: string): number => columns.indexOf(column) - columns.length;
  const [inAt, outAt] = [fromEnd('Ibytes'), fromEnd('Obytes')];
  const traffic = new Map<string, Traffic>();
  if (!columns.includes('Ibytes') || !columns.includes('Obytes')) return traffic;
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    const [name = '', , network = ''] = words;
    const [received, sent] = [Number(words.at(inAt)), Number(words.at(outAt))];
    if (!network.startsWith('<Link#') || !Number.isSafeInteger(received) || !Number.isSafeInteger(sent)) continue;
    traffic.set(name.replace(/\*$/, ''), { received, sent });
  }
  return traffic;
}
