import { nearestName } from '../base/nearest-name.js';
import type { RunOptions } from './run-options.js';

/** The compiler sees to it that each is here. */
const known: Readonly<Record<keyof RunOptions, true>> = {
  target: true,
  planned: true,
  bhyve: true,
  loaders: true,
  identity: true,
  extraArguments: true,
  platform: true,
  runBase: true,
  check: true,
  mayFix: true,
  force: true,
  adopt: true,
  limits: true,
  managedBy: true,
  keepSpec: true,
  pidFile: true,
  supervisorPidFile: true,
  panicOnFailedCleanup: true,
  onStderr: true,
  onConsole: true,
  onHookOutput: true,
  beforeEnd: true,
  env: true,
  servesStdio: true,
  host: true,
};

/**
 * A program in JavaScript has no compiler to tell it of a misspelt option, whose place a default would take.
 * @throws TypeError
 */
export function refuseUnknownOptions(options: RunOptions): void {
  const names = Object.keys(known);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const near = nearestName(name, names);
    const meant = near === undefined ? `there are: ${names.join(', ')}` : `did you mean ${JSON.stringify(near)}?`;
    throw new TypeError(`run() has no option ${JSON.stringify(name)}; ${meant}`);
  }
}
