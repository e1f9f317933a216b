// A manager in a process of its own, on the library as it is built. It prints a line for each event and each answer, and
// takes requests: a JSON array a line, the name of a method and its arguments.
import { createInterface } from 'node:readline';
import { createManager } from '../../../dist/manager.js';

const options = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let manager;
try {
  manager = await createManager(options);
} catch (error) {
  say({ failed: { kind: error.kind, source: error.source, problems: error.problems, message: error.message } });
  process.exit(1);
}
const events = manager.events.subscribe({ after: 'none' });
say({ up: manager.vms() });
void (async () => {
  for await (const event of events) say({ event });
})();
const calls = {
  ...manager,
  operations: () => manager.operations.list(),
  wait: (id) => manager.operations.ended(id),
  end: async (ending) => {
    await manager.end(ending);
    say({ ended: true });
    process.exit(0);
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const [number, method, ...words] = JSON.parse(line);
  void (async () => {
    try {
      say({ answer: number, value: await calls[method](...words) });
    } catch (error) {
      say({ answer: number, error: { message: error.message, problems: error.problems } });
    }
  })();
}
