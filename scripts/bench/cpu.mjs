// Processor time of commands, user and system, with all that they have waited for: what a busy machine changes least.
import { spawnSync } from 'node:child_process';
import { median, root } from './measure.mjs';

/** bash tells the time of a child in milliseconds; Node.js tells none of a child, and sh in hundredths of a second. */
const timed = 'TIMEFORMAT="%U %S"; exec 3>&2 2>/dev/null; { time "$@" >/dev/null 2>/dev/null; } 2>&3';

export const canMeasure = spawnSync('bash', ['-c', 'true']).status === 0;

/** @returns milliseconds. @param expected exit status */
export function cpuMs(command, expected = 0) {
  const { status, stderr } = spawnSync('bash', ['-c', timed, 'bash', ...command], { cwd: root, encoding: 'utf8' });
  if (status !== expected) throw new Error(`${command.join(' ')}: status ${status}`);
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return (user + system) * 1000;
}

/** Takes the measurements in turn. @returns the median of each */
export function alternately(measurements, rounds) {
  for (const measure of measurements) measure();
  const found = measurements.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    measurements.forEach((measure, index) => found[index].push(measure()));
  }
  return found.map(median);
}
