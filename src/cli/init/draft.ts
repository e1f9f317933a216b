import { quoteWord } from '../../base/shell.js';
import { visibleLines } from '../../base/visible.js';
import type { SpecFormat } from '../../spec/parse-spec.js';

/** What a first spec says. File names are as they stand in it. */
export interface Draft {
  readonly name: string;
  /** Text that is no number stays text, for the schema to refuse. */
  readonly cpus: number | string;
  readonly memory: string;
  readonly disk: string | undefined;
  /** The CD of the target `install`; without one there is no such target. */
  readonly iso: string | undefined;
  readonly net: string | undefined;
  readonly bridge: string | undefined;
}

/** The spec as it is written to a file: with comments where the format has them. */
export function draftText(draft: Draft, format: SpecFormat): string {
  switch (format) {
    case 'json':
      return visibleLines(jsonText(draft));
    case 'yaml':
      return visibleLines(commentedText(draft, yaml));
    case 'ucl':
      return visibleLines(commentedText(draft, ucl));
  }
}

type Fields = Readonly<Record<string, string | number | boolean>>;

const given = (key: string, value: string | undefined): Fields => (value === undefined ? {} : { [key]: value });

const diskOf = ({ disk }: Draft): Fields | undefined =>
  disk === undefined ? undefined : { device: 'virtio-blk', path: disk };

const cardOf = ({ net: name, bridge }: Draft): Fields | undefined =>
  name === undefined ? undefined : { device: 'virtio-net', name, ...given('bridge', bridge), fix: true };

const cdOf = ({ iso }: Draft): Fields | undefined => (iso === undefined ? undefined : { device: 'ahci-cd', path: iso });

function jsonText(draft: Draft): string {
  const inline = (fields: Fields): string =>
    `{ ${Object.entries(fields)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(', ')} }`;
  const devices = [diskOf(draft), cardOf(draft)].filter((device) => device !== undefined);
  const cd = cdOf(draft);
  const members = [
    `"name": ${JSON.stringify(draft.name)}`,
    `"cpu": ${JSON.stringify(draft.cpus)}`,
    `"mem": ${JSON.stringify(draft.memory)}`,
    '"com1": "console"',
    ...(devices.length === 0
      ? []
      : [`"emulations": [\n${devices.map((device) => `    ${inline(device)}`).join(',\n')}\n  ]`]),
    ...(cd === undefined
      ? []
      : [
          `"targets": {\n    "install": {\n      "emulations": [${inline(cd)}],\n      "next_target": "default"\n    }\n  }`,
        ]),
  ];
  return `{\n${members.map((member) => `  ${member}`).join(',\n')}\n}\n`;
}

/** How a format with comments writes things. */
interface Style {
  /** With what ends it, if anything does. */
  readonly field: (key: string, value: string | number) => string;
  readonly inline: (fields: Fields) => string;
  /** An object on the line of its key. */
  readonly line: (key: string, fields: Fields) => string;
  /** A list of objects, its lines indented by as much as it needs below its key. */
  readonly list: (key: string, items: readonly Item[]) => readonly string[];
  readonly object: (key: string, members: readonly string[]) => readonly string[];
}

/** An object of a list, below the comments that belong to it. */
interface Item {
  readonly comments: readonly string[];
  readonly fields: Fields;
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

const yaml: Style = {
  field: (key, value) => `${key}: ${yamlScalar(value)}`,
  inline: (fields) =>
    `{ ${Object.entries(fields)
      .map(([key, value]) => `${key}: ${yamlScalar(value)}`)
      .join(', ')} }`,
  line: (key, fields) => `${key}: ${yaml.inline(fields)}`,
  list: (key, items) => [
    `${key}:`,
    ...indented(items.flatMap(({ comments, fields }) => [...comments, `- ${yaml.inline(fields)}`])),
  ],
  object: (key, members) => [`${key}:`, ...indented(members)],
};

/** Text is quoted, and so the same to everything that reads UCL: uclcmd takes a bare 2G for a number. */
const ucl: Style = {
  field: (key, value) => `${key} = ${JSON.stringify(value)};`,
  inline: (fields) =>
    `{ ${Object.entries(fields)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
      .join(', ')} }`,
  line: (key, fields) => `${key} ${ucl.inline(fields)}`,
  list: (key, items) => [
    `${key} = [`,
    ...indented(items.flatMap(({ comments, fields }) => [...comments, `${ucl.inline(fields)},`])),
    ']',
  ],
  object: (key, members) => [`${key} {`, ...indented(members), '}'],
};

/** A comment that is a field may be taken into use as it is. */
function commentedText(draft: Draft, { field, line, list, object }: Style): string {
  const { name, cpus, memory, bridge } = draft;
  const [disk, card, cd] = [diskOf(draft), cardOf(draft), cdOf(draft)];
  const aboutCard = [
    '# fix lets vmrun make the interface where it is missing, and remove it after.',
    ...(bridge === undefined ? ['# Add the field bridge to make it a member of that bridge of the host.'] : []),
  ];
  const devices = [
    ...(disk === undefined ? [] : [{ comments: [], fields: disk }]),
    ...(card === undefined ? [] : [{ comments: aboutCard, fields: card }]),
  ];
  const lines = [
    '# A virtual machine for vmrun: vmrun.json(5) has every field.',
    field('name', name),
    field('cpu', cpus),
    field('mem', memory),
    '# The console: the terminal that vmrun is started on, and from elsewhere',
    `# vmrun console ${quoteWord(name)}; ~. leaves either. Others:`,
    '# - the terminal alone: the guest is shut down when it is closed',
    `# ${field('com1', 'stdio')}`,
    `# - a null modem: cu -l ${nullModem(name, 'B')} connects to it, ~. leaves`,
    `# ${field('com1', nullModem(name, 'A'))}`,
    '# - a TCP port: telnet 127.0.0.1 5555 connects to it',
    `# ${field('com1', 'tcp=127.0.0.1:5555')}`,
    '# - none: leave com1 out',
    field('com1', 'console'),
    ...(devices.length === 0 ? [] : list('emulations', devices)),
    '# A screen, for VNC clients:',
    `# ${line('graphic', { host: '127.0.0.1', port: 5900 })}`,
    '# Firmware that remembers, e.g. what a Linux guest tells it to boot:',
    `# ${field('bootrom', '/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd')}`,
    `# ${field('varfile', `${name}-vars.fd`)}`,
    ...(cd === undefined
      ? []
      : object('targets', [
          '# vmrun -t install boots from the CD; the reboot after that, from the disk.',
          ...object('install', [
            ...list('emulations', [{ comments: [], fields: cd }]),
            field('next_target', 'default'),
          ]),
        ])),
  ];
  return `${lines.join('\n')}\n`;
}

/** The two ends of a nmdm(4) device. */
const nullModem = (name: string, end: 'A' | 'B'): string => `/dev/nmdm-${name}${end}`;

/** Words that YAML 1.1 or 1.2 takes for something else than text. */
const yamlWords = /^(y|n|yes|no|on|off|true|false|null)$/i;

/** As it is where every reader of YAML takes it for this text, else quoted as JSON has it. */
function yamlScalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return /^[A-Za-z/][\w./-]*$/.test(value) && !yamlWords.test(value) ? value : yamlSize(value);
}

/** A size such as 2G is text to every reader, unlike 0x1F or 1e3. */
const yamlSize = (value: string): string => (/^\d{1,9}[KMGT]$/.test(value) ? value : JSON.stringify(value));
