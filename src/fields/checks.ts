import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { listWords } from '../base/text.js';
import type { Platform } from '../devices/device.js';
import type { FieldContext } from './field.js';
import { fields } from './registry.js';
import type { VmSpec } from './vm-spec.js';

/** All that the fields of a target have to say, each for itself and by what the registry says of it. */
export const checkFields = (context: FieldContext<VmSpec>): readonly Finding[] => [
  ...checkPlatform(context),
  ...checkLpcUsers(context.vm),
  ...fields.flatMap((field) => field.check?.(context) ?? []),
];

const isUsed = (value: unknown): boolean => value !== undefined && value !== false;

const named = ({ release, arch }: Platform): string =>
  arch === 'arm64' ? `bhyve of FreeBSD ${release} on arm64` : `bhyve of FreeBSD ${release}`;

function usedIn(vm: VmSpec, some: typeof fields): typeof fields {
  const values: Readonly<Record<string, unknown>> = { ...vm };
  return some.filter(({ name }) => isUsed(values[name]));
}

/** Those that not every bhyve has. */
const particular = fields.filter(
  ({ since, pcOnly, isIdleOnArm }) => since !== undefined || pcOnly !== undefined || isIdleOnArm === true,
);
const behindLpc = fields.filter(({ isBehindLpc }) => isBehindLpc === true);

/** What this bhyve does not have, by the field that asks for it. */
function checkPlatform({ vm, parts, release, arch }: FieldContext<VmSpec>): readonly Finding[] {
  const isArm = arch === 'arm64';
  // There is no bhyve at all, which `arch` says.
  if (isArm && release === 14) return [];
  const platform = named({ release, arch });
  const ofFields = usedIn(vm, particular).flatMap(({ name, since, pcOnly, isIdleOnArm }): readonly Finding[] => {
    const told = { pointer: child('', name), fix: `leave "${name}" out` };
    if (isArm && pcOnly !== undefined) {
      return [{ ...told, code: 'arch', message: `${platform} does not know "${name}": ${pcOnly}` }];
    }
    if (since !== undefined && release < since.release) {
      const fix = `use FreeBSD ${since.release}, or ${told.fix}`;
      return [{ ...told, code: 'release', message: `${platform} has no ${since.what}`, fix }];
    }
    if (!isArm || isIdleOnArm !== true) return [];
    const message = `${platform} does not read "${name}": it makes no SMBIOS table, so the guest never sees it`;
    return [{ ...told, code: 'arch', severity: 'warning', message }];
  });
  if (!isArm) return ofFields;
  const devices = parts
    .filter(({ model, broughtBy }) => model.isAmd64Only === true && broughtBy === undefined)
    .map(({ model, pointer }) => ({
      code: 'arch',
      pointer: child(pointer, 'device'),
      message: `${platform} has no ${model.model} device`,
      fix: 'leave the device out',
    }));
  return [...ofFields, ...devices];
}

/** What stands behind the LPC bridge is not there without it, and bhyve does not say so. */
function checkLpcUsers(vm: VmSpec): readonly Finding[] {
  if (vm.lpc_slot !== 'none') return [];
  const told = { code: 'lpc-needed', pointer: '/lpc_slot' };
  const users = usedIn(vm, behindLpc).map(({ name }) => name);
  if (users.length > 0) {
    const message = `without an LPC bridge the guest has no ${listWords(users)}`;
    return [{ ...told, message, fix: 'leave "lpc_slot" out' }];
  }
  if (vm.loader !== undefined) return [];
  return [
    {
      ...told,
      severity: 'warning',
      message: 'without an LPC bridge UEFI firmware cannot ask bhyve about the machine',
      fix: 'leave "lpc_slot" out, unless the boot ROM is one of your own',
    },
  ];
}
