import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { patienceMs } from '../support/patience.js';

const here = path.dirname(fileURLToPath(import.meta.url));

interface Case {
  readonly file: string;
  readonly code: string;
  readonly isAllowed: boolean;
  /** A table of rooms that is not vmrun's. */
  readonly rooms?: Readonly<Record<string, readonly string[]>>;
}

const importing = (file: string, from: string, isAllowed: boolean): Case => ({
  file,
  code: `import '${from}';\n`,
  isAllowed,
});

/** Rooms below a folder that is none. */
const nested = { base: [], manager: ['base'], 'api/native': ['base', 'manager'], 'api/sysadm': ['base', 'manager'] };

const cases: readonly Case[] = [
  { ...importing('src/api/native/routes.ts', '../../manager/vms.ts', true), rooms: nested },
  { ...importing('src/api/native/deep/er/a.ts', '../../../../manager/vms.ts', true), rooms: nested },
  { ...importing('src/api/native/deep/er/a.ts', '../../b.ts', true), rooms: nested },
  { ...importing('src/api/native/routes.ts', '../sysadm/routes.ts', false), rooms: nested },
  { ...importing('src/api/native/routes.ts', '../other/routes.ts', false), rooms: nested },
  { ...importing('src/manager/vms.ts', '../api/native/routes.ts', false), rooms: nested },
  { ...importing('src/api/routes.ts', '../base/text.ts', false), rooms: nested },
  importing('src/base/shell.ts', './text.js', true),
  importing('src/base/shell.ts', '../devices/device.js', false),
  importing('src/ucl/parse-ucl.ts', '../base/text.js', true),
  importing('src/ucl/parse-ucl.ts', '../spec/source-tree.js', false),
  importing('src/ucl/parse-ucl.ts', 'node:fs', false),
  importing('src/devices/raw.ts', '../base/text.js', true),
  importing('src/devices/raw.ts', '../ucl/ucl-tree.js', false),
  importing('src/devices/raw.ts', '../spec/schema.js', false),
  importing('src/fields/cpu.ts', '../devices/device.js', true),
  importing('src/fields/cpu.ts', '../spec/schema.js', false),
  importing('src/fields/readers/cpu.ts', '../../bhyve/sizes.js', false),
  importing('src/fields/cpu.ts', 'node:fs', false),
  importing('src/spec/json.ts', '../devices/device.js', true),
  importing('src/spec/json.ts', '../fields/registry.js', true),
  importing('src/spec/json.ts', '../machine/plan.js', false),
  importing('src/spec/ucl.ts', '../ucl/parse-ucl.js', true),
  importing('src/machine/plan.ts', '../ucl/parse-ucl.js', false),
  importing('src/spec/json.ts', 'node:fs', false),
  importing('src/spec/read.ts', 'node:fs', true),
  importing('src/base/bounded-file.ts', 'node:fs', true),
  importing('src/base/problem.ts', 'node:fs', false),
  importing('src/machine/plan.ts', '../spec/parse-spec.js', true),
  importing('src/machine/plan.ts', '../host/check.js', false),
  importing('src/machine/plan.ts', 'execa', false),
  importing('src/graph/boot-graph.ts', '../machine/plan.js', true),
  importing('src/graph/boot-graph.ts', '../supervisor/policy.js', false),
  importing('src/graph/boot-graph.ts', 'node:fs', false),
  importing('src/host/look/check.ts', '../../machine/machine.js', true),
  importing('src/host/look/check.ts', '../../graph/draw.js', false),
  importing('src/host/look/check.ts', '../../supervisor/run.js', false),
  importing('src/host/look/probes/files.ts', '../../errno.js', true),
  importing('src/host/look/probes/files.ts', '../../../base/text.js', true),
  importing('src/host/look/probes/files.ts', '../../../supervisor/run.js', false),
  importing('src/supervisor/run.ts', '../host/host.js', true),
  importing('src/supervisor/run.ts', '../simulator/script.js', false),
  importing('src/supervisor/run.ts', '../cli/options.js', false),
  importing('src/supervisor/run.ts', 'node:child_process', false),
  importing('src/supervisor/boot.ts', '../explain/explain-end.js', true),
  importing('src/explain/run-end.ts', '../host/process/child.js', true),
  importing('src/explain/rules.ts', '../supervisor/policy.js', false),
  importing('src/explain/rules.ts', 'node:fs', false),
  importing('src/host/process/child.ts', '../../explain/run-end.js', false),
  importing('src/bhyve/pci.ts', '../base/pci-address.js', true),
  importing('src/bhyve/pci.ts', '../simulator/script.js', false),
  importing('src/bhyve/pci.ts', 'node:fs', false),
  importing('src/bhyve/start/network.ts', '../pci.js', true),
  importing('src/bhyve/start/network.ts', '../../base/text.js', true),
  importing('src/bhyve/start/network.ts', '../../devices/network.js', false),
  importing('src/bhyve/start/network.ts', 'node:net', false),
  importing('src/simulator/monitor.ts', '../bhyve/pci.js', true),
  importing('src/simulator/monitor.ts', '../machine/slots.js', false),
  importing('src/machine/plan.ts', '../bhyve/pci.js', false),
  importing('src/import/libvirt.ts', '../bhyve/pci.js', true),
  importing('src/import/libvirt.ts', '../machine/slots.js', true),
  importing('src/import/libvirt.ts', '../simulator/script.js', false),
  importing('src/import/libvirt.ts', '../host/check.js', false),
  importing('src/import/libvirt.ts', 'node:fs', false),
  importing('src/supervisor/run.ts', '../import/libvirt.js', false),
  importing('src/forecast/forecast.ts', '../bhyve/parse.js', true),
  importing('src/forecast/forecast.ts', '../machine/plan.js', true),
  importing('src/forecast/forecast.ts', '../import/settle.js', false),
  importing('src/forecast/forecast.ts', '../host/check.js', false),
  importing('src/forecast/forecast.ts', 'node:fs', false),
  importing('src/machine/plan.ts', '../forecast/forecast.js', false),
  importing('src/cli/commands/run-vm.ts', '../../simulator/script.js', true),
  importing('src/report/check-report.ts', '../supervisor/readiness.js', true),
  importing('src/report/check-report.ts', '../cli/paint.js', false),
  importing('src/report/lock-file.ts', 'node:fs', false),
  importing('src/supervisor/run.ts', '../report/load-with-lock.js', false),
  importing('src/cli/commands/check.ts', '../../report/check-report.js', true),
  importing('src/index.ts', './report/plan-report.js', true),
  importing('src/index.ts', './cli/paint.js', false),
  importing('src/index.ts', './simulator/script.js', false),
  importing('src/nowhere/a.ts', '../base/text.js', false),
  importing('src/import/script/deeper/a.ts', '../../../base/text.js', true),
  importing('src/import/script/deeper/a.ts', '../../../host/check.js', false),
  importing('src/machine/plan.ts', 'node:http', false),
  importing('src/machine/plan.ts', 'node:path', true),
  importing('src/machine/plan.ts', 'fs', false),
  ...[
    (from: string) => `export { a } from '${from}';\n`,
    (from: string) => `export * from '${from}';\n`,
    (from: string) => `import type { A } from '${from}';\n`,
    (from: string) => `await import('${from}');\n`,
    (from: string) => `await import(\`${from}\`);\n`,
    (from: string) => `export type A = import('${from}').A;\n`,
  ].flatMap((line) => [
    { file: 'src/machine/plan.ts', code: line('../spec/parse-spec.js'), isAllowed: true },
    { file: 'src/machine/plan.ts', code: line('../host/check.js'), isAllowed: false },
    { file: 'src/machine/plan.ts', code: line('node:fs'), isAllowed: false },
    { file: 'src/host/look/check.ts', code: line('node:fs'), isAllowed: true },
  ]),
  { file: 'src/machine/plan.ts', code: "await import('../ho' + 'st/check.js');\n", isAllowed: false },
  { file: 'src/machine/plan.ts', code: 'await import(`../${String(1)}/check.js`);\n', isAllowed: false },
  { file: 'src/supervisor/run.ts', code: 'export const now = Date.now();\n', isAllowed: false },
  { file: 'src/supervisor/run.ts', code: 'setTimeout(() => undefined, 1);\n', isAllowed: false },
  { file: 'src/machine/plan.ts', code: 'export const home = process.env;\n', isAllowed: false },
  { file: 'src/graph/text.ts', code: 'export const locale = process.env.LANG;\n', isAllowed: false },
  importing('src/cli/commands/graph.ts', '../../graph/draw.js', true),
];

const found = JSON.parse(
  execFileSync(process.execPath, [path.join(here, 'lint.mjs'), JSON.stringify(cases)], {
    encoding: 'utf8',
    timeout: patienceMs,
  }),
) as readonly (readonly string[])[];

test.each(cases.map((row, index) => [row.file, row.code.trim(), row.isAllowed, found[index] ?? []] as const))(
  '%s may say %s: %s',
  (_file, _code, isAllowed, messages) => {
    expect(messages.length === 0).toBe(isAllowed);
    expect(messages.every((rule) => /^(no-restricted|vmrun\/rooms)/.test(rule))).toBe(true);
  },
);

test('what an error says is put into words by base/error-words.ts alone, so that no message has those of Node.js', () => {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const raw = /instanceof Error\s*\?\s*\w+\.message|String\(\w+\)\.replace\(\/\^Error/;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.d)\.ts$/.test(name));
  expect(files.length).toBeGreaterThan(300);
  expect(files.filter((name) => raw.test(readFileSync(path.join(root, name), 'utf8')))).toEqual([]);
});
