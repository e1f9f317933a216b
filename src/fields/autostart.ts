import { isIP, withoutBrackets } from '../base/ip-address.js';
import type { Finding } from '../base/problem.js';
import { splitWords } from '../base/shell.js';
import { listWords, shown } from '../base/text.js';
import { vmNamePattern } from '../base/vm-name.js';
import { nameText, text } from '../devices/json-schema.js';
import { checkDuration, duration, milliseconds, type Duration } from './durations.js';
import { defineField } from './field.js';
import { checkCommand } from './hooks.js';
import type { IdentityFields } from './identity.js';
import { commandSchema, object } from './schemas.js';

/** How it is seen that others may follow; at most one of them is said. */
const signFields = ['tcp', 'console', 'command'] as const;

interface ReadyFields {
  readonly tcp?: string;
  readonly console?: string;
  readonly command?: string | readonly string[];
  readonly timeout: Duration;
}

export interface AutostartFields {
  readonly autostart:
    | boolean
    | {
        readonly after?: readonly string[];
        readonly ready?: ReadyFields;
        readonly delay: Duration;
        readonly on_failure: FailedBefore;
      };
}

/** What to do where a VM that this one waits for is not ready in time: start it all the same, or not at all. */
type FailedBefore = 'start' | 'skip';

/** How it is seen that a VM is ready, so that those that wait for it may follow. */
export type ReadySign =
  /** bhyve has lived so long. */
  | { readonly kind: 'alive'; readonly ms: number }
  /** Something takes connections there. Of IPv6, the host is without brackets. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** The guest has written this text, on one line, to the console that vmrun serves. */
  | { readonly kind: 'console'; readonly text: string }
  /** The program ends with 0; it is tried again until then. */
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/** How a manager of many VMs starts this one by itself. */
export interface Autostart {
  /** It is started with the manager. Else somebody has to start it; the rest holds for it nevertheless. */
  readonly isAutomatic: boolean;
  /** Names of the VMs that it waits for, in the order of the file. */
  readonly after: readonly string[];
  readonly ready: {
    readonly sign: ReadySign;
    /** From its start on. */
    readonly timeoutMs: number;
  };
  /** Between the moment in which all that it waits for are ready, and its start. */
  readonly delayMs: number;
  readonly onFailure: FailedBefore;
}

const readyTimeout = '2min';

/** What `autostart` says, with its defaults. */
export function autostartOf({ autostart }: AutostartFields): Autostart {
  const {
    after = [],
    ready,
    delay = 0,
    on_failure: onFailure = 'skip',
  } = typeof autostart === 'object' ? autostart : {};
  return {
    isAutomatic: autostart !== false,
    after: [...new Set(after)],
    ready: { sign: signOf(ready), timeoutMs: milliseconds(ready?.timeout ?? readyTimeout) },
    delayMs: milliseconds(delay),
    onFailure,
  };
}

function signOf({ tcp, console: awaited, command }: Partial<ReadyFields> = {}): ReadySign {
  if (tcp !== undefined) return { kind: 'tcp', ...readTcp(tcp) };
  if (awaited !== undefined) return { kind: 'console', text: awaited };
  if (command !== undefined) {
    const argv = typeof command === 'string' ? splitWords(command) : command;
    if (!('error' in argv)) return { kind: 'command', argv };
  }
  return { kind: 'alive', ms: 1000 };
}

/** The last colon splits; the schema has checked the form. */
function readTcp(written: string): { readonly host: string; readonly port: number } {
  const colon = written.lastIndexOf(':');
  return { host: withoutBrackets(written.slice(0, colon)), port: Number(written.slice(colon + 1)) };
}

/** One sign at most, and one that can come true. */
function checkReady({ timeout, tcp, command, ...rest }: ReadyFields): readonly Finding[] {
  const at = '/autostart/ready';
  const said = signFields.filter((field) => ({ ...rest, tcp, command })[field] !== undefined);
  return [
    ...(said.length < 2
      ? []
      : [{ code: 'ready-twice', pointer: at, message: `it says ${listWords(said)}`, fix: 'keep one of them' }]),
    ...(tcp === undefined ? [] : checkTcp(`${at}/tcp`, tcp)),
    ...checkCommand(`${at}/command`, command),
    ...checkDuration(`${at}/timeout`, timeout),
    ...(milliseconds(timeout) > 0
      ? []
      : [
          {
            code: 'ready-timeout',
            pointer: `${at}/timeout`,
            message: 'nothing is ready in no time',
            fix: `use e.g. ${shown(readyTimeout)}`,
          },
        ]),
  ];
}

function checkTcp(pointer: string, tcp: string): readonly Finding[] {
  const { host, port } = readTcp(tcp);
  return [
    ...(port > 0 && port < 65536
      ? []
      : [{ code: 'ready-port', pointer, message: `a port is 1 to 65535, got ${port}` }]),
    ...(!tcp.startsWith('[') || isIP(host)
      ? []
      : [
          {
            code: 'ready-address',
            pointer,
            message: `${shown(host)} is no IPv6 address`,
            fix: 'brackets go around an IPv6 address, e.g. "[fd00::5]:22"',
          },
        ]),
  ];
}

const ready = {
  ...object({
    properties: {
      tcp: text('Ready when something takes connections at this address and port.', {
        pattern: '^(\\[[0-9A-Fa-f:.%]{2,60}\\]|[^\\s:,\\[\\]\\u0000-\\u001f\\u007f]{1,253}):\\d{1,5}$',
        patternErrorMessage: 'an address and a port, e.g. "10.0.0.5:22", "db.example.org:5432" or "[fd00::5]:22"',
        examples: ['10.0.0.5:22', '[fd00::5]:22'],
      }),
      console: text(
        'Ready when the guest has written this text to the console that vmrun serves: a com port has to be "console".',
        { examples: ['login:'] },
      ),
      command: commandSchema(
        'Ready when this ends with status 0. It is tried again, a second after it has ended with another.',
      ),
      timeout: duration('How long it may take, from the start of the VM on.', readyTimeout),
    },
  }),
  description:
    'When those that wait for this VM may be started: one of tcp, console and command. Default: when bhyve has run for a second.',
  examples: [{ tcp: '10.0.0.5:5432' }, { console: 'login:', timeout: '5min' }],
} as const;

/** What this VM is to a manager of many, vmrun serve; a run of it alone does not look at it. */
export const autostart = defineField<AutostartFields & IdentityFields>({
  name: 'autostart',
  chapter: 'How its life goes on',
  isRootOnly: true,
  schema: {
    ...object({
      properties: {
        after: {
          type: 'array',
          description: 'Names of other VMs: this one is started when all of them are ready.',
          maxItems: 100,
          items: nameText('Name of another VM.', {
            pattern: vmNamePattern,
            patternErrorMessage: 'the name of a VM',
            takesDigits: true,
          }),
          examples: [['db', 'cache']],
        },
        ready,
        delay: duration('Wait this long before it is started, when all that it waits for are ready.', 0),
        on_failure: {
          type: 'string',
          enum: ['skip', 'start'] satisfies readonly FailedBefore[],
          description:
            'Where one that it waits for is not ready in time: skip does not start it, start does all the same.',
          default: 'skip',
        },
      },
    }),
    type: ['boolean', 'object'],
    description:
      'Start it with the manager, vmrun serve: true, or when. An object says true, too. vmrun -c starts one VM and ignores it.',
    default: false,
    examples: [true, { after: ['db'], ready: { tcp: '10.0.0.5:443' }, delay: '5s' }],
  },
  check({ vm: { name, autostart } }): readonly Finding[] {
    if (typeof autostart !== 'object') return [];
    const { delay, ready, after = [] } = autostart;
    return [
      ...checkDuration('/autostart/delay', delay),
      ...after.flatMap((other, index) =>
        other === name
          ? [
              {
                code: 'autostart-loop',
                pointer: `/autostart/after/${index}`,
                message: `${shown(name)} would wait for itself`,
                fix: 'take it out',
              },
            ]
          : [],
      ),
      ...(ready === undefined ? [] : checkReady(ready)),
    ];
  },
});
