import { formatAddress } from '../../base/pci-address.js';
import { shown } from '../../base/text.js';
import type { ConfigNode } from '../config-node.js';
import { listVariables, openConfig } from '../config-tree.js';
import { emptyOutput } from '../outcome.js';
import { ahciPorts, splitAhciPorts } from '../pci-legacy.js';
import { scanAddress } from '../pci.js';
import type { Platform } from '../releases.js';
import type { TracedOption } from '../trace.js';

/** Words that bhyve takes, without a word of its own, for something else than they say. */
export interface Misread {
  /** What bhyve does with them: `takes 16 for maxq, …`. */
  readonly said: string;
  readonly fix: string;
}

/** Where they stand: in an option, by the word in which that begins, or in the value of a variable. */
type Found = Misread & { readonly index?: number; readonly variable?: string };

/** All of them in a command line that bhyve takes. */
export function misreadIn(tree: ConfigNode, options: readonly TracedOption[], platform: Platform): readonly Found[] {
  const config = openConfig(tree, emptyOutput());
  const variables = new Map([...listVariables(tree).keys()].map((name) => [name, config.get(name) ?? '']));
  return [
    ...options.flatMap((option): readonly Found[] => {
      const found = misreadOption(option, variables, platform);
      return found === undefined ? [] : [{ ...found, index: option.index }];
    }),
    ...misreadVariables(variables, platform),
  ];
}

type Variables = ReadonlyMap<string, string>;

/** What an option says and bhyve does not read: most of its numbers are read by sscanf(3), which ignores the rest. */
function misreadOption(
  { letter, argument }: TracedOption,
  variables: Variables,
  platform: Platform,
): Misread | undefined {
  switch (letter) {
    case 'f':
      if (variables.get('lpc.fwcfg') === 'qemu') return undefined;
      return { said: 'shows the guest what -f gives with fwcfg qemu only', fix: 'add "fwcfg": "qemu"' };
    case 'p':
      return misreadPinning(argument, platform);
    case 'n': {
      const lost = argument.split(',').find((word) => !/^(id|size|cpus|domain_policy)=/.test(word));
      if (lost === undefined) return undefined;
      return {
        said: `does not read ${shown(lost)} in -n ${argument}: a comma ends the word before it`,
        fix: 'use "numa", or -o domains.N.cpus=LIST for a list',
      };
    }
    case 's':
      return misreadSlot(argument);
    default:
      return undefined;
  }
}

function misreadPinning(text: string, { release }: Platform): Misread | undefined {
  const isWhole = /^\s*[+-]?\d+:\s*[+-]?\d+$/.test(text) || (release === 16 && /^\d+-\d+:\d+-\d+$/.test(text));
  const [, vcpu = '', cpu = '', rest = ''] = /^\s*(\d+):\s*(\d+)(.*)$/s.exec(text) ?? [];
  if (isWhole || rest === '') return undefined;
  return {
    said: `pins vCPU ${Number(vcpu)} to CPU ${Number(cpu)} alone: it does not read ${shown(rest)} in -p ${text}`,
    fix: 'use "cpu_pin", or give one -p for each CPU',
  };
}

function misreadSlot(text: string): Misread | undefined {
  const [, place = '', model = '', rest = ''] = /^([^,]*),([^,]*)(?:,(.*))?$/s.exec(text) ?? [];
  const address = scanAddress(place);
  if (address === undefined) return undefined;
  if (!/^\s*\d+(:\d+){0,2}$/.test(place)) {
    const said = `takes slot ${shown(place)} for ${formatAddress(address)}: it does not read what follows the last number`;
    return { said, fix: 'write the slot as SLOT, SLOT:FUNCTION or BUS:SLOT:FUNCTION, in decimal' };
  }
  const [lost, ...more] = model === 'ahci' ? splitAhciPorts(rest).slice(ahciPorts) : [];
  if (lost === undefined) return undefined;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return {
    said: `leaves ${shown(lost)}${others} out: an ahci controller has ${ahciPorts} ports`,
    fix: 'put the rest on another controller',
  };
}

/**
 * Values that bhyve takes another for, or that come to nothing.
 * @param variables as bhyve reads them
 */
function misreadVariables(
  variables: Variables,
  platform: Platform,
): readonly (Misread & { readonly variable: string })[] {
  return [...variables].flatMap(([variable, value]) => {
    const [, node, setting] = /^(pci\.\d+\.\d+\.\d+)\.(.+)$/s.exec(variable) ?? [];
    const found =
      node === undefined || setting === undefined
        ? misreadOfMachine(variable, value, variables, platform)
        : misreadOfDevice({ node, setting, value }, variables, platform);
    return found === undefined ? [] : [{ ...found, variable }];
  });
}

function misreadOfMachine(
  variable: string,
  value: string,
  variables: Variables,
  { arch, release }: Platform,
): Misread | undefined {
  if (arch !== 'amd64') return undefined;
  if (variable === 'lpc.fwcfg' && value !== 'bhyve' && value !== 'qemu') {
    return {
      said: `gives the firmware neither of its two interfaces for lpc.fwcfg ${shown(value)}`,
      fix: 'use bhyve or qemu, in lower case',
    };
  }
  const [, renamed] = /^lpc\.(bootrom|bootvars)$/.exec(variable) ?? [];
  const other = renamed === undefined || release === 14 ? undefined : variables.get(renamed);
  if (renamed === undefined || other === undefined || other === value) return undefined;
  return {
    said: `takes ${other} for ${renamed}, and ignores ${variable}`,
    fix: `leave ${variable} out, or the other`,
  };
}

interface Setting {
  /** `pci.0.4.0`. */
  readonly node: string;
  readonly setting: string;
  readonly value: string;
}

function misreadOfDevice(
  { node, setting, value }: Setting,
  variables: Variables,
  { arch }: Platform,
): Misread | undefined {
  const model = variables.get(`${node}.device`) ?? '';
  const [, bus = '', slot = '', func = ''] = node.split('.');
  if (setting === 'device' && func !== '0' && !variables.has(`pci.${bus}.${slot}.0.device`)) {
    return {
      said: `does not show the guest function ${func} of slot ${bus}:${slot}, which has no function 0`,
      fix: 'give the slot a function 0',
    };
  }
  if (/(^|\.)bootindex$/.test(setting) && Number.parseInt(value, 10) >= 0) {
    if (arch !== 'amd64' || variables.get('lpc.fwcfg') !== 'qemu') {
      return { said: 'tells the firmware of a bootindex with fwcfg qemu only', fix: 'add "fwcfg": "qemu"' };
    }
    if (bus !== '0') {
      return { said: `tells the firmware of bus 0 only, not of bus ${bus}`, fix: 'give the device a slot on bus 0' };
    }
  }
  if (model === 'nvme') return misreadOfNvme(setting, value);
  if (model === 'ahci' && /^port\.\d+\.type$/.test(setting) && value !== 'hd' && value !== 'cd') {
    return { said: `takes ${shown(value)} for a CD drive: a disk is hd, in lower case`, fix: 'use hd or cd' };
  }
  return undefined;
}

function misreadOfNvme(setting: string, value: string): Misread | undefined {
  const number = Number.parseInt(value, 10);
  switch (setting) {
    case 'maxq':
      if (number >= 1 && number <= 16) return undefined;
      return { said: `takes 16 for maxq: ${shown(value)} is not in 1 to 16`, fix: 'use a number from 1 to 16' };
    case 'sectsz':
      if ([512, 4096, 8192].includes(number)) return undefined;
      return { said: `ignores sectsz ${shown(value)}`, fix: 'use 512, 4096 or 8192' };
    case 'dsm':
      if (['auto', 'enable', 'disable'].includes(value)) return undefined;
      return { said: `ignores dsm ${shown(value)}`, fix: 'use auto, enable or disable' };
    default:
      return undefined;
  }
}
