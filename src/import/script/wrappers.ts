import path from 'node:path';
import { entry, type Field } from './run.js';

/** How a program that starts another one is called. */
interface Form {
  /** Letters of its options; a colon behind one that takes a value. */
  readonly letters?: string;
  /** Operands before the program. */
  readonly operands?: number;
  /** Long options that take a value in the next word. */
  readonly long?: readonly string[];
  /** Words `NAME=value` may stand in front. */
  readonly hasEnvironment?: true;
  /** What bhyve runs in is not as vmrun would start it. */
  readonly isTold?: true;
}

const told = true;

/** By name; `shell` where one of the words is a text for a shell. */
const forms: Readonly<Record<string, Form>> = {
  sudo: { letters: 'AbEeHhikKlnPpSsVvC:D:g:h:p:R:r:t:T:U:u:', hasEnvironment: true },
  doas: { letters: 'nSLsC:u:' },
  mdo: { letters: 'iu:' },
  exec: { letters: 'cla:' },
  command: { letters: 'p' },
  builtin: {},
  time: { letters: 'alphvo:f:' },
  env: { letters: 'i0vP:S:u:C:L:U:', hasEnvironment: true },
  nice: { letters: 'n:', isTold: told },
  nohup: { isTold: told },
  setsid: { letters: 'cfw', isTold: told },
  daemon: { letters: 'cfHrSp:P:l:m:o:R:s:T:t:u:C:', isTold: told },
  cpuset: { letters: 'cCgirl:n:p:s:t:d:x:j:', isTold: told },
  numactl: { letters: 'l:m:t:c:', long: ['--cpudomain', '--memdomain', '--mempolicy'], isTold: told },
  limits: { letters: 'SHBPU:C:EaehbB:c:d:f:k:l:m:n:o:p:s:t:u:v:w:y:', isTold: told },
  timeout: { letters: 'fpvk:s:', long: ['--kill-after', '--signal'], operands: 1, isTold: told },
  protect: { letters: 'cdip:g:', isTold: told },
  setfib: { letters: 'F:', operands: 1, isTold: told },
  jexec: { letters: 'ld:U:u:', operands: 1, isTold: told },
  lockf: { letters: 'knpswt:', operands: 1, isTold: told },
  flock: { letters: 'snuxw:E:oF', operands: 1, isTold: told },
  idprio: { operands: 1, isTold: told },
  rtprio: { operands: 1, isTold: told },
  chroot: { letters: 'nG:g:u:', operands: 1, isTold: told },
  ktrace: { letters: 'aCcdip:f:g:t:', isTold: told },
  truss: { letters: 'acfdDeHSo:s:p:', isTold: told },
  stdbuf: { letters: 'e:i:o:' },
  unbuffer: { letters: 'p' },
  script: { letters: 'aefkpqrdFt:T:', operands: 1, isTold: told },
  gdb: { letters: 'qx:', long: ['--args'], isTold: told },
};

/** What a command is when the program in front is taken off. */
type Unwrapped =
  | {
      readonly kind: 'command';
      readonly wrapper: readonly Field[];
      readonly rest: readonly Field[];
      readonly isTold: boolean;
    }
  /** A text that a shell reads, with the arguments that it gets. */
  | {
      readonly kind: 'shell';
      readonly wrapper: readonly Field[];
      readonly text: string;
      readonly argv: readonly string[];
      readonly isTold: boolean;
    };

export function unwrap(fields: readonly Field[]): Unwrapped | undefined {
  const name = path.posix.basename(fields[0]?.text ?? '');
  if (name === 'tmux' || name === 'screen') return inTerminal(name, fields);
  if (name === 'expect') return inExpect(fields);
  if (/^(ba|da|a|k|z|c|tc)?sh$/.test(name) || name === 'su') return inShell(name, fields);
  const form = entry(forms, name);
  if (form === undefined) return undefined;
  const at = commandAt(name, form, fields);
  if (at >= fields.length) return undefined;
  const wrapper = fields.slice(0, at);
  const isUser = /^(sudo|doas|mdo|jexec)$/.test(name) && wrapper.some(({ text }) => text.startsWith('-u'));
  const isEnvironment = name === 'env' && wrapper.length > 1;
  return { kind: 'command', wrapper, rest: fields.slice(at), isTold: form.isTold === true || isUser || isEnvironment };
}

function commandAt(
  name: string,
  { letters = '', operands = 0, long = [], hasEnvironment }: Form,
  fields: readonly Field[],
): number {
  let at = 1;
  let left = operands;
  while (at < fields.length) {
    const word = fields[at]?.text ?? '';
    if (word === '--') {
      at += 1;
    } else if (/^--./.test(word)) {
      at += long.includes(word) && word !== '--args' ? 2 : 1;
    } else if (/^-./.test(word) && (left === operands || /^-\D/.test(word)) && !isNumber(name, word)) {
      at += takesNext(letters, word) ? 2 : 1;
    } else if (isNumber(name, word)) {
      at += 1;
    } else if (hasEnvironment === true && /^[A-Za-z_]\w*=/.test(word)) {
      at += 1;
    } else if (left > 0 && !(name === 'setfib' && word.startsWith('-'))) {
      left -= 1;
      at += 1;
    } else break;
  }
  return at;
}

/** `nice -5`, `nice --10`, `idprio -t`: a number that looks like an option. */
const isNumber = (name: string, word: string): boolean =>
  /^(nice|idprio|rtprio|setfib)$/.test(name) && /^--?\d+$/.test(word);

/** Whether the value of an option stands in the next word. */
function takesNext(letters: string, word: string): boolean {
  for (let at = 1; at < word.length; at += 1) {
    const place = letters.indexOf(word.charAt(at));
    if (place !== -1 && letters.charAt(place + 1) === ':') return at === word.length - 1;
  }
  return false;
}

function inShell(name: string, fields: readonly Field[]): Unwrapped | undefined {
  const at = fields.findIndex(({ text }, index) => index > 0 && /^-[a-z]*c$/.test(text));
  const text = fields[at + 1]?.text;
  if (at === -1 || text === undefined) return undefined;
  const argv = fields.slice(at + 3).map((field) => field.text);
  return { kind: 'shell', wrapper: fields.slice(0, at), text, argv, isTold: name === 'su' };
}

/** `expect -c "spawn bhyve …; expect { … }"`. */
function inExpect(fields: readonly Field[]): Unwrapped | undefined {
  const at = fields.findIndex(({ text }) => text === '-c');
  const text = /\bspawn\s+([^;\n]*)/.exec(fields[at + 1]?.text ?? '')?.[1];
  return at === -1 || text === undefined
    ? undefined
    : { kind: 'shell', wrapper: fields.slice(0, at), text, argv: [], isTold: true };
}

/** tmux(1) and screen(1): what a new window runs, or what is typed into one. */
function inTerminal(name: string, fields: readonly Field[]): Unwrapped | undefined {
  const words = fields.map(({ text }) => text);
  if (name === 'screen') {
    const at = optionsEnd(words, 1, 'ADLOQRUXadfilmnpqrvwx', 'ceEhpsStTX');
    const rest = fields.slice(at);
    return rest.length === 0 ? undefined : { kind: 'command', wrapper: fields.slice(0, at), rest, isTold: true };
  }
  const verb = words.findIndex(
    (word, index) =>
      index > 0 && /^(new|new-session|neww|new-window|splitw|split-window|send|send-keys|respawn\w*)$/.test(word),
  );
  if (verb === -1) return undefined;
  const at = optionsEnd(words, verb + 1, 'AdDEPXabhvkSlMRHl', 'cefFnstxyIpN');
  const isTyped = (words[verb] ?? '').startsWith('send');
  const rest = fields.slice(at).filter(({ text }) => !isTyped || !/^(C-m|Enter|KPEnter)$/.test(text));
  const [first] = rest;
  if (first === undefined) return undefined;
  const wrapper = fields.slice(0, at);
  if (rest.length > 1 && !isTyped) return { kind: 'command', wrapper, rest, isTold: true };
  return {
    kind: 'shell',
    wrapper,
    text: rest.map(({ text }) => text).join(isTyped ? '' : ' '),
    argv: [],
    isTold: true,
  };
}

function optionsEnd(words: readonly string[], from: number, _flags: string, valued: string): number {
  let at = from;
  while (/^-./.test(words[at] ?? '') && words[at] !== '--') {
    const word = words[at] ?? '';
    at += valued.includes(word.at(-1) ?? '') && !/^-dm$/.test(word) ? 2 : 1;
  }
  return words[at] === '--' ? at + 1 : at;
}
