import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quoteCommand, quoteWord } from '../../src/base/shell.js';
import type { Need, Platform } from '../../src/devices/device.js';
import type { HostFinding } from '../../src/host/look/findings.js';
import { runTool, type RunTool } from '../../src/host/process/tools.js';
import type { MachineRequirement } from '../../src/machine/machine.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const fixture = (name: string): string => readFileSync(here(`../fixtures/host/${name}`), 'utf8');

export interface AboutInterface {
  readonly groups?: string;
  readonly pid?: number;
  readonly mtu?: number;
  readonly members?: readonly string[];
}

/** A host whose tools are small scripts over a state folder. */
export interface FakeHost {
  /** Any files that a test makes live here. */
  readonly folder: string;
  readonly run: RunTool;
  /** With which a program finds these tools. */
  readonly env: Readonly<Record<'PATH', string>>;
  /** What the tools work on. */
  readonly state: string;
  /** For a view of it: a FreeBSD, whatever the tests run on. */
  readonly system: 'freebsd';
  readonly platform: Platform;
  readonly vmmDirectory: string;
  /** Every tool that was run, with its arguments, in order. */
  readonly calls: () => readonly string[];
  readonly addInterface: (name: string, about?: AboutInterface) => void;
  /** What ifconfig prints of it. */
  readonly interfaceText: (name: string) => string;
  readonly hasInterface: (name: string) => boolean;
  /** The lines of `pciconf -l`. */
  readonly setCards: (text: string) => void;
  readonly cards: () => string;
  /** What `kldstat -v` prints. */
  readonly setModules: (text: string) => void;
  /** The values of its kernel, as sysctl prints them. */
  readonly setSysctls: (text: string) => void;
  /** From now on the tool prints this and ends with this status. */
  readonly breakTool: (tool: string, prints: string, status: number) => void;
  readonly repairTool: (tool: string) => void;
  /** devctl says that the card is busy. */
  readonly keepCardsBusy: () => void;
  readonly remove: () => void;
}

/** Has the cards, modules and kernel values of the fixtures, and no interfaces. */
export function makeFakeHost(): FakeHost {
  const state = mkdtempSync(join(tmpdir(), 'vmrun-host-'));
  const at = (...names: string[]): string => join(state, ...names);
  for (const name of ['interfaces', 'broken', 'files']) mkdirSync(at(name));
  copyFileSync(here('../fixtures/host/pciconf.txt'), at('pci'));
  copyFileSync(here('../fixtures/host/kldstat.txt'), at('modules'));
  copyFileSync(here('../fixtures/host/sysctl.txt'), at('sysctls'));
  // The tools get no variable of ours: each is told by its own small script where the state is.
  mkdirSync(at('tools'));
  for (const tool of readdirSync(here('./fake-tools')).filter((name) => !name.includes('.'))) {
    const command = quoteCommand([here(`./fake-tools/${tool}`)]);
    writeFileSync(at('tools', tool), `#!/bin/sh\nFAKE_HOST=${quoteWord(state)} exec ${command} "$@"\n`, {
      mode: 0o755,
    });
  }
  const env = { PATH: `${at('tools')}:/usr/bin:/bin` };
  return {
    folder: at('files'),
    run: (argv, options) => runTool(argv, { ...options, env }),
    env,
    state,
    system: 'freebsd',
    platform: { release: 15, arch: 'amd64' },
    vmmDirectory: at('vmm'),
    calls: () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trimEnd().split('\n') : []),
    addInterface: (name, { groups = 'tap', pid, mtu = 1500, members = [] } = {}) => {
      const flags = groups.includes('bridge')
        ? '8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST>'
        : '8802<BROADCAST,SIMPLEX,MULTICAST>';
      const header = `${name}: flags=${flags} metric 0 mtu ${mtu}\n`;
      const connected = members.map((member) => `\tmember: ${member} flags=143<LEARNING>\n`);
      writeFileSync(at('interfaces', name), `${header}${connected.join('')}\tgroups: ${groups}\n`);
      if (pid !== undefined) appendFileSync(at('interfaces', name), `\tOpened by PID ${pid}\n`);
    },
    interfaceText: (name) => readFileSync(at('interfaces', name), 'utf8'),
    hasInterface: (name) => existsSync(at('interfaces', name)),
    setCards: (text) => {
      writeFileSync(at('pci'), text);
    },
    cards: () => readFileSync(at('pci'), 'utf8'),
    setModules: (text) => {
      writeFileSync(at('modules'), text);
    },
    setSysctls: (text) => {
      writeFileSync(at('sysctls'), text);
    },
    breakTool: (tool, prints, status) => {
      writeFileSync(at('broken', tool), prints);
      writeFileSync(at('broken', `${tool}.status`), String(status));
    },
    repairTool: (tool) => {
      rmSync(at('broken', tool));
    },
    keepCardsBusy: () => {
      writeFileSync(at('busy'), '');
    },
    remove: () => {
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** A requirement of a device, by default of one named after its kind. */
export const requirement = (
  need: Need,
  { subject = `a device (${need.kind})`, ...more }: Partial<Omit<MachineRequirement, 'need'>> = {},
): MachineRequirement => ({ need: { ...need, pointer: '' }, owner: '', subject, mayFix: false, ...more });

export const tap = (name: string, more?: Partial<Omit<MachineRequirement, 'need'>>): MachineRequirement =>
  requirement({ kind: 'interface', name, type: 'tap' }, { subject: `virtio-net ${name}`, ...more });

/** `code: message` of each, as a table's cell. */
export const sentences = (findings: readonly HostFinding[]): readonly string[] =>
  findings.map(({ problem: { code, message } }) => `${code}: ${message}`);
