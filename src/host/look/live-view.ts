import { promises as files } from 'node:fs';
import type { Platform } from '../../devices/device.js';
import { codeOf } from '../../base/error-code.js';
import { describeSystemError, systemError } from '../errno.js';
import { lookAtFile, lookAtFreeBytes } from './look-at-file.js';
import { lookAtPort } from './look-at-port.js';
import { lookAtSocket } from './look-at-socket.js';
import { refuseUnstartable } from '../process/program.js';
import { isPassing, StartError } from '../process/start-error.js';
import { systemPlatform } from './system-names.js';
import { parseIfconfig } from './probes/ifconfig.js';
import { parseKldstat } from './probes/kldstat.js';
import { parsePciconf } from './probes/pciconf.js';
import { parseSysctl, sysctlNames } from './probes/sysctl.js';
import { askTool, type ToolAnswer } from '../process/tool-answer.js';
import type { RunTool } from '../process/tools.js';
import type { HostView, PortView, ProgramView } from './view.js';

/** How this host is looked at. */
export interface LiveViewOptions {
  /** Asks its tools: `runTool`. */
  readonly run: RunTool;
  /** Default: the system that this process runs on. */
  readonly system?: string;
  /** Default: the same. */
  readonly platform?: Partial<Platform>;
  /** Default: the user of this process. */
  readonly uid?: number;
  /** Default: /dev/vmm. */
  readonly vmmDirectory?: string;
}

/**
 * This host at this moment: a new view after the host was changed. Every question is put to it once, by one process a
 * kind, when it is first asked; without an argument ifconfig shows every interface, kldstat every module.
 */
export function liveView(options: LiveViewOptions): HostView {
  const { run, system = process.platform, platform = systemPlatform() } = options;
  const { uid = process.getuid?.(), vmmDirectory = '/dev/vmm' } = options;
  return {
    system,
    platform,
    uid,
    interfaces: once(() => askTool(run, ['ifconfig'], 'list of interfaces', parseIfconfig)),
    cards: once(() => askTool(run, ['pciconf', '-l'], 'list of PCI cards', parsePciconf)),
    // The modules of every file, those compiled into the kernel included.
    modules: once(() => askTool(run, ['kldstat', '-v'], 'list of modules', parseKldstat)),
    // -i: a name that this kernel does not have is no error.
    sysctls: once(() => askTool(run, ['sysctl', '-i', ...sysctlNames], 'values', parseSysctl)),
    vms: once(() => lookAtVms(vmmDirectory)),
    file: remember(lookAtFile),
    program: remember((program) => Promise.resolve(lookAtProgram(program))),
    socket: remember(lookAtSocket),
    port: portLooker(),
    freeBytes: remember(lookAtFreeBytes),
  };
}

function once<T>(look: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= look());
}

function remember<T>(look: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (path) => {
    const answer = answers.get(path) ?? look(path);
    answers.set(path, answer);
    return answer;
  };
}

/** One port after the other: two may overlap (0.0.0.0 and 127.0.0.1) and must not be in each other's way. */
function portLooker(): HostView['port'] {
  const answers = new Map<string, Promise<PortView>>();
  let last: Promise<unknown> = Promise.resolve();
  return (host, port) => {
    const key = `${host} ${port}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const look = (): Promise<PortView> => lookAtPort(host, port);
    const answer = last.then(look, look);
    answers.set(key, answer);
    last = answer;
    return answer;
  };
}

function lookAtProgram(program: string): ProgramView {
  try {
    refuseUnstartable(program, process.env.PATH, true);
    return { kind: 'there' };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    // It says nothing about the program.
    if (error.reason === 'no-resources') throw error.cause;
    const hasNoInterpreter = error.reason === 'not-executable' && codeOf(error.cause) === 'ENOENT';
    const refused = hasNoInterpreter ? 'no-interpreter' : 'refused';
    return { kind: 'refused', reason: error.reason === 'not-found' ? 'missing' : refused, why: error.message };
  }
}

async function lookAtVms(directory: string): Promise<ToolAnswer<readonly string[]>> {
  try {
    return { ok: true, value: (await files.readdir(directory)).sort() };
  } catch (thrown) {
    const error = systemError(thrown);
    if (isPassing(error.code)) throw thrown;
    if (error.code === 'ENOENT') return { ok: true, value: [] };
    return { ok: false, error: `cannot list ${directory}: ${describeSystemError(error)}` };
  }
}
