import { formatAddress } from '../../base/pci-address.js';
import { hiddenSecret, withoutGivenSecrets, withoutSecrets } from '../../base/secrets.js';
import { loaderCommand } from '../../machine/loader.js';
import type { Machine } from '../../machine/machine.js';
import type { VmSpec } from '../../fields/vm-spec.js';
import type { Context } from '../context.js';
import { asJson } from '../paint.js';
import type { Programs } from '../../machine/loader.js';

/** `--debug`: the effective spec and the plan as JSON. Secrets are starred. */
export function printDebug({ out }: Context, vm: VmSpec, machine: Machine, { bhyve, loaders }: Programs): void {
  const {
    name,
    target,
    release,
    arch,
    devices,
    cpus,
    memoryBytes,
    isWired,
    wiredFor,
    variables,
    argv,
    policy,
    requirements,
    ephemerals,
  } = machine;
  const { loader } = machine;
  const plan = {
    name,
    target,
    release,
    arch,
    cpus,
    memoryBytes,
    isWired,
    wiredFor,
    devices: devices.map((device) => ({
      address: formatAddress(device.address),
      model: device.model,
      id: device.id,
      label: device.label,
    })),
    variables: Object.fromEntries(
      variables.map(({ key, value, isSecret }) => [key, isSecret === true ? hiddenSecret : withoutGivenSecrets(value)]),
    ),
    loader: loader && { ...loader, argv: undefined, command: loaderCommand(loader, loaders) },
    command: [...bhyve, ...argv].map(withoutGivenSecrets),
    requirements: requirements.map(({ need, subject, mayFix }) => ({ subject, ...need, mayFix })),
    ephemerals,
    policy,
  };
  out(asJson({ spec: withoutSecrets(vm), plan }, 2));
}
