import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseScript } from '../../simulator/script.js';

/** Scripts of simulated VMs by name. */
export type Scripts = Readonly<Record<string, string>>;

/** One more of them, as an option gives it: `web=reboot:5s,run`. */
export function scriptOf(word: string, before: Scripts): Scripts {
  const [, name, steps] = /^([^=]+)=(.+)$/.exec(word) ?? [];
  if (name === undefined || steps === undefined)
    throw new InvalidArgumentError('It is VM=STEPS, e.g. web=reboot:5s,run.');
  const script = parseScript(steps);
  if (script.kind === 'error') throw new InvalidArgumentError(`${script.message}; ${script.fix}.`);
  return { ...before, [name]: steps };
}
