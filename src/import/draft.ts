import { steps } from '../base/json-pointer.js';
import { traitsOf, type Platform } from '../bhyve/releases.js';
import { parseMemorySize } from '../bhyve/sizes.js';
import { readBoolean } from '../devices/readers/reader.js';
import { aliasesOf } from '../devices/readers/registry.js';
import { modelNamed } from '../devices/registry.js';
import type { Configured } from '../fields/readers/reader.js';
import { fieldReaders } from '../fields/readers/registry.js';
import { fields as rootFields } from '../fields/registry.js';
import { arrange, lpcSlotText, unitOfDevice, unitOfField, type Unit, type Written } from './arrangement.js';
import type { Configuration } from './configuration.js';
import { domainsIn, isSaidByName, memoryBytesIn, outdated, topologyIn, whenUnset } from './meaning.js';
import type { Original } from './original.js';
import { inReadingOrder, isObject, without, type SpecObject, type SpecValue } from './spec-object.js';

/** A spec as well as it can be said while some units are said in the plainer way. */
export interface SpecDraft {
  readonly spec: SpecObject;
  /** The units to say otherwise where the value at a pointer of the spec is not taken. */
  readonly unitsAt: (pointer: string) => readonly Unit[];
  /** The unit that says a variable, or that is to blame for one that nobody asked for. */
  readonly unitOf: (variable: string) => Unit | undefined;
  /** What is said in bhyve's own words, in the order of the spec. */
  readonly carried: readonly Carried[];
}

/** Something that no field of the spec says. */
export interface Carried {
  readonly by: 'raw' | 'config' | 'extra_options';
  /** What it sets; of a device, its `device`; an option that sets nothing, `-f opt/x`. */
  readonly variable: string;
  /** Of a device: what a spec of its model would have to say, or why it cannot. */
  readonly why?: string;
}

const behindLpc = rootFields.filter(({ isBehindLpc }) => isBehindLpc === true).map(({ name }) => name);

/** What a spec cannot be without. */
const required = rootFields.filter(({ isRequired }) => isRequired === true).map(({ name }) => name);

/** What an item for the firmware is called among the variables, although it is none. */
export const itemPrefix = '-f ';

/** Who says each variable: the first that claims it. */
type Owners = Map<string, Unit>;

function own(owners: Owners, unit: Unit, variables: readonly string[]): void {
  for (const variable of variables) if (!owners.has(variable)) owners.set(variable, unit);
}

/** @param refused units to be said in the plainer way */
export function draftOf(configuration: Configuration, original: Original, refused: ReadonlySet<Unit>): SpecDraft {
  const { variables, platform } = configuration;
  const { hostbridge, lpc, screen, tablet, devices, options } = arrange(configuration, refused);
  const written = screen === undefined ? devices : [...devices, screen];
  const owners: Owners = new Map([['name', 'name']]);
  if (hostbridge !== undefined) {
    const keys = ['device', ...hostbridge.settings.keys()];
    own(
      owners,
      'hostbridge',
      keys.map((key) => hostbridge.prefix + key),
    );
  }
  if (lpc !== undefined) own(owners, 'lpc_slot', [`${lpc.prefix}device`]);
  for (const each of written) ownDevice(owners, each, platform);
  if (tablet !== undefined) own(owners, 'graphic', [`${tablet.prefix}device`, `${tablet.prefix}slot.1.device`]);
  const fields = readRoot(configuration, refused, owners, new Set(written.map(({ model }) => model)));
  const lpcText = lpc === undefined ? 'none' : lpcSlotText(lpc);
  const loader = loaderOf(configuration, original, refused);
  const raw = written.filter(({ model }) => model === 'raw');
  const rest = sayRest(configuration, refused, owners, (key) => options.some(({ prefix }) => key.startsWith(prefix)));
  const spec: SpecObject = {
    name: nameOf(variables.get('name') ?? '', refused.has('name')),
    ...fields,
    ...(loader === undefined ? {} : { loader }),
    ...(hostbridge === undefined ? { hostbridge: 'none' } : {}),
    ...(hostbridge !== undefined && hostbridge.settings.size > 0 ? { hostbridge: 'amd_hostbridge' } : {}),
    ...(lpcText === undefined || platform.arch === 'arm64' ? {} : { lpc_slot: lpcText }),
    ...(devices.length === 0 ? {} : { emulations: devices.map((each) => deviceObject(each, original)) }),
    ...(screen === undefined ? {} : { graphic: screenObject(screen, tablet !== undefined) }),
    ...(Object.keys(rest.config).length === 0 ? {} : { config: rest.config }),
    ...(rest.words.length === 0 ? {} : { extra_options: rest.words }),
    ...original.fields,
  };
  return {
    spec: inReadingOrder(spec),
    unitsAt: (pointer) => {
      const [field = '', second, ...path] = steps(pointer);
      if (field in original.fields) return [];
      switch (field) {
        case 'emulations': {
          const device = devices[Number(second)];
          return device === undefined ? [] : [unitWithin(device, path, refused)];
        }
        case 'graphic':
          return screen === undefined || second === undefined || second === 'slot'
            ? ['graphic']
            : [unitWithin(screen, [second, ...path], refused)];
        case 'lpc_slot':
          // Without a bridge it is what stands behind it that vmrun does not take.
          return lpc === undefined ? behindLpc.filter((user) => user in spec) : ['lpc_slot'];
        case 'config':
          return second === undefined ? [] : [`config ${second}`];
        case 'extra_options': {
          const key = rest.keyOfWord.get(Number(second));
          return key === undefined ? [] : [`option ${key}`];
        }
        default:
          return [field];
      }
    },
    unitOf: (variable) => {
      const device = written.find(({ device: { prefix } }) => variable.startsWith(prefix));
      if (variable.startsWith(itemPrefix)) return 'fw_cfg_files';
      return owners.get(variable) ?? (device === undefined ? undefined : blame(device));
    },
    carried: [
      ...raw.map(({ device, why }): Carried => ({
        by: 'raw',
        variable: `${device.prefix}device`,
        ...(why === undefined ? {} : { why }),
      })),
      ...Object.keys(rest.config)
        .filter((variable) => !raw.some(({ device: { prefix } }) => isSettingOf(prefix, variable)))
        .map((variable): Carried => ({ by: 'config', variable })),
      ...configuration.bareOptions.map((words): Carried => ({
        by: 'extra_options',
        variable: words.join(' '),
        why: 'it names no backend, and bhyve is aborted by that when an LPC bridge starts',
      })),
      ...rest.carried
        .filter((variable) => !options.some(({ prefix }) => isSettingOf(prefix, variable)))
        .map((variable): Carried => ({ by: 'extra_options', variable })),
    ],
  };
}

/** What is told with the device that it is of. */
const isSettingOf = (prefix: string, variable: string): boolean =>
  variable.startsWith(prefix) && variable !== `${prefix}device`;

/** The next plainer way for a device as a whole. */
const blame = ({ device, model }: Written): Unit => unitOfDevice(model === 'raw' ? 'option' : 'raw', device);

/** One field of a device, unless it was given up already: then the device as such. No model changes its slot. */
function unitWithin(written: Written, path: readonly string[], refused: ReadonlySet<Unit>): Unit {
  if (path[0] === 'slot') return unitOfDevice('option', written.device);
  if (path.length === 0 || path[0] === 'device' || written.model === 'raw') return blame(written);
  const unit = unitOfField(written.device, path);
  return refused.has(unit) ? blame(written) : unit;
}

/** The variables that a device's fields say, each with the field, or with the device where all of it is needed. */
function ownDevice(owners: Owners, { device, model, fields }: Written, platform: Platform): void {
  const keysOf = (some: SpecObject): readonly string[] =>
    modelNamed(model)
      .variables(some, platform)
      .map(({ key }) => device.prefix + key);
  own(owners, unitOfDevice('raw', device), [`${device.prefix}device`]);
  if (model === 'raw') return;
  const all = keysOf(fields);
  const aliases = Object.entries(aliasesOf(device.model));
  own(
    owners,
    unitOfDevice('raw', device),
    aliases.flatMap(([said, meant]) => (all.includes(device.prefix + said) ? [device.prefix + meant] : [])),
  );
  for (const field of Object.keys(fields)) {
    if (modelNamed(model).schema.required?.includes(field) === true) continue;
    const rest = new Set(keysOf(without(fields, [field])));
    own(
      owners,
      unitOfField(device, [field]),
      all.filter((key) => !rest.has(key)),
    );
  }
  own(owners, unitOfDevice('raw', device), all);
}

const deviceObject = ({ model, fields, slot }: Written, { cards }: Original): SpecObject => ({
  device: model,
  ...(slot === undefined ? {} : { slot }),
  ...fields,
  ...('name' in fields && typeof fields.name === 'string' ? cards.get(fields.name) : {}),
  ...('src' in fields && typeof fields.src === 'string' ? cards.get(fields.src) : {}),
});

const screenObject = ({ fields, slot }: Written, hasTablet: boolean): SpecObject => ({
  ...(slot === undefined ? {} : { slot }),
  ...fields,
  ...(hasTablet ? {} : { xhci_table: false }),
});

function readRoot(
  configuration: Configuration,
  refused: ReadonlySet<Unit>,
  owners: Owners,
  models: ReadonlySet<string>,
): SpecObject {
  const configured = configuredFor(configuration, models);
  return Object.fromEntries(
    fieldReaders.flatMap(([field, read]) => {
      const isRefused = refused.has(field) && !required.includes(field);
      const reading = isRefused ? undefined : read(configured);
      if (reading === undefined) return [];
      own(owners, field, reading.variables);
      return reading.value === undefined ? [] : [[field, reading.value]];
    }),
  );
}

/** The configuration as fields look at it, with what bhyve makes of it. */
const configuredFor = ({ variables, platform, items }: Configuration, models: ReadonlySet<string>): Configured => ({
  platform,
  variables,
  items,
  models,
  topology: topologyIn({ variables, platform }),
  memoryBytes: memoryBytesIn(variables, platform),
  domains: domainsIn(variables),
  readBoolean,
  readSize: (text) => parseMemorySize(text, platform.release),
  whenUnset,
});

/** The name, or one that vmrun takes. */
function nameOf(name: string, isRefused: boolean): string {
  if (!isRefused) return name;
  const plain = name.replaceAll(/[\s/%\p{Cc}]+/gu, '-').replace(/^-+/, '');
  return /^\.{0,2}$/.test(plain) ? 'vm' : plain.slice(0, 80);
}

/** A guest without a boot ROM is loaded, by a program that the text names or by somebody else. */
function loaderOf(
  { variables, platform }: Configuration,
  { loader }: Original,
  refused: ReadonlySet<Unit>,
): SpecValue | undefined {
  if (platform.arch === 'arm64' || variables.has(traitsOf(platform).bootromVariable)) return undefined;
  if (loader === undefined || refused.has('loader')) return 'none';
  const said = Object.entries(loader.spec).filter((entry): entry is [string, SpecValue] => isSpecValue(entry[1]));
  return Object.fromEntries(said);
}

const isSpecValue = (value: unknown): value is SpecValue =>
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) && value.every(isSpecValue)) ||
  (isObject(value) && Object.values(value).every(isSpecValue));

interface Rest {
  readonly config: SpecObject;
  /** Options, each with its value. */
  readonly words: readonly string[];
  /** The variable that a word sets, by the word's place. */
  readonly keyOfWord: ReadonlyMap<number, string>;
  /** What the words say: variables, and items for the firmware. */
  readonly carried: readonly string[];
}

/** What no field says goes to `config`, and to plain options where that does not take it. */
function sayRest(
  configuration: Configuration,
  refused: ReadonlySet<Unit>,
  owners: Owners,
  isOption: (key: string) => boolean,
): Rest {
  const { variables, raw, bareOptions, items } = configuration;
  const config: Record<string, SpecValue> = {};
  const unseen = refused.has('fw_cfg_files') ? items : [];
  const words: string[] = [...bareOptions.flat(), ...unseen.flatMap(({ option }) => ['-f', option])];
  const carried = unseen.map(({ name }) => itemPrefix + name);
  const keyOfWord = new Map<number, string>();
  for (const key of leftOver(configuration, owners, isOption)) {
    if (!isOption(key) && !refused.has(`config ${key}`)) {
      owners.set(key, `config ${key}`);
      config[key] = typed(variables.get(key) ?? '');
    } else if (raw.get(key) !== '' && !refused.has(`option ${key}`)) {
      // No option sets a variable to nothing.
      owners.set(key, `option ${key}`);
      keyOfWord.set(words.length + 1, key);
      words.push('-o', `${key}=${raw.get(key) ?? ''}`);
      carried.push(key);
    }
  }
  return { config, words, keyOfWord, carried };
}

/** Variables that no field says and that are not what they would be anyway. */
function leftOver(
  { variables, raw, platform }: Configuration,
  owners: Owners,
  isOption: (key: string) => boolean,
): readonly string[] {
  const usual = new Map(traitsOf(platform).defaults);
  const old = outdated(variables, platform);
  return [...variables].flatMap(([key, value]) => {
    if (owners.has(key) || old.has(key) || key === 'config.dump' || isSaidByName(key, variables)) return [];
    if (isOption(key)) return [key];
    const isUsual = usual.get(key) === raw.get(key);
    const flag = whenUnset(key);
    return isUsual || (flag !== undefined && readBoolean(value) === flag) ? [] : [key];
  });
}

/** A value of `config` as people write it. */
function typed(value: string): SpecValue {
  if (value === 'true' || value === 'false') return value === 'true';
  return /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value;
}
