// What `npm run fuzz` runs: every reader with so many texts in all, without a test around it. Arguments: inputs, seed, words
// of the readers wanted.
import { readMutated } from './reader.js';
import { readers, sharesOf } from './readers.js';

const [inputs = '50000', seed = '1', wanted = ''] = process.argv.slice(2);
const shares = await sharesOf(Number(inputs));

for (const [what, make] of Object.entries(readers)) {
  if (!what.includes(wanted)) continue;
  const reader = await make();
  const total = shares.get(what) ?? 0;
  const start = process.cpuUsage();
  let outcomes: string;
  try {
    outcomes = `${await readMutated(reader, total, Number(seed))} outcomes`;
  } catch (error) {
    process.exitCode = 1;
    outcomes = 'AN ERROR';
    console.error(error);
  }
  const { user, system } = process.cpuUsage(start);
  const seconds = ((user + system) / 1e6).toFixed(1);
  console.log(`${what.padEnd(52)} ${String(total).padStart(7)} texts ${seconds.padStart(7)} s  ${outcomes}`);
}
