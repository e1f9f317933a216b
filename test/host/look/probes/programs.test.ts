import { chmodSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { checkHost } from '../../../../src/host/look/check.js';
import { asksOf, captureFacts, recordedView } from '../../../../src/host/look/facts.js';
import { liveView } from '../../../../src/host/look/live-view.js';
import { systemClock } from '../../../../src/host/clock.js';
import { runHook } from '../../../../src/host/process/hook.js';
import { runTool } from '../../../../src/host/process/tools.js';
import { askVmrun } from '../../../e2e/support/ask.js';
import { inPlace } from '../../../e2e/support/place.js';
import { minimal, planOf } from '../../../support/specs.js';
import { sentences } from '../../fake-host.js';

const requirementsOf = async (fields: object) =>
  (await planOf({ ...minimal, ...fields })).requirements.filter(({ need }) => need.kind === 'program');

const found = async (fields: object): Promise<readonly string[]> => {
  const report = await checkHost(await requirementsOf(fields), { view: liveView({ run: runTool }) });
  return report.findings.map(({ problem }) => `${problem.severity} ${problem.code}: ${problem.message}`);
};

describe('a program that a spec names', () => {
  test.each(['pre_start', 'post_start', 'pre_reboot', 'post_stop'])(
    'and that is not there is told before a run, where %s says it',
    async (hook) => {
      const severity = hook === 'pre_start' ? 'error' : 'warning';
      for (const command of ['/nowhere/up.sh -v', ['/nowhere/up.sh'], 'env A=1 /nowhere/up.sh']) {
        expect(await found({ hooks: { [hook]: command } })).toEqual([
          `${severity} program-missing: hook ${hook} cannot be run: /nowhere/up.sh is not there`,
        ]);
      }
      expect(await found({ hooks: { [hook]: 'no-such-program-here' } })).toEqual([
        `${severity} program-missing: hook ${hook} cannot be run: no-such-program-here is not there`,
      ]);
      expect(await found({ hooks: { [hook]: ['sh', '-c', 'echo hello'] } })).toEqual([]);
    },
  );

  test('by post_start_script is told as well', async () => {
    expect(await found({ post_start_script: '/nowhere/up.sh' })).toEqual([
      'warning program-missing: hook post_start cannot be run: /nowhere/up.sh is not there',
    ]);
  });

  test('must be one that this user may run', async () => {
    await inPlace(async (place) => {
      const text = place.write('up.sh', '#!/bin/sh\n');
      const folder = place.folder;
      const badly = place.script('bad.sh', 'true');
      place.write('bad.sh', '#!/nowhere/sh\n');
      chmodSync(badly, 0o755);
      const seen = [];
      for (const program of [text, folder, badly]) seen.push(...(await found({ hooks: { pre_start: [program] } })));
      expect(seen).toEqual([
        `error program-refused: hook pre_start cannot be run: ${text} may not be executed`,
        `error program-refused: hook pre_start cannot be run: ${folder} may not be executed`,
        `error program-no-interpreter: hook pre_start cannot be run: /nowhere/sh, the interpreter that ${badly} names, does not exist`,
      ]);
    });
  });

  test.each([
    [['env', '-u', 'HOME', 'sh', '-c', 'true']],
    [['env', '-iv', '-uHOME', 'a.b=c', 'sh', '-ex', '-c', 'true']],
    ['env -S "sh /nowhere/ok.sh"'],
    [['env', '-C', '/', 'nowhere/ok.sh']],
    [['env', '-P', '/nowhere', 'ok.sh']],
    [['env', 'PATH=/nowhere', 'ok.sh']],
    [['env', '--', 'sh', '-s', '/nowhere/argument']],
    [['sh', '-o', 'errexit', '/nowhere/ok.sh']],
    [['sh', '/dev/null']],
    [['bash', '--rcfile', '/dev/null', '-c', 'true']],
    [['perl', '-I', '/nowhere', '-e', 'exit 0']],
  ])('is not looked for where it is not certain what runs: %j', async (command) => {
    const { requirements } = await planOf({ ...minimal, hooks: { pre_start: command } });
    const own = requirements.filter(({ need }) => need.pointer.startsWith('/hooks'));
    const { findings } = await checkHost(own, { view: liveView({ run: runTool }) });
    // bash and perl need not be here.
    expect(findings.filter(({ problem }) => !/: (?:bash|perl) is not there$/.test(problem.message))).toEqual([]);
  });

  test.each([
    [['env', '-u', 'HOME', '/nowhere/ok.sh']],
    [['env', '-C', '/', '/nowhere/ok.sh']],
    [['env', 'PATH=/bin', 'a.b=c', '/nowhere/ok.sh']],
    [['env', '--', '/nowhere/ok.sh']],
  ])('is looked for behind the options of env(1): %j', async (command) => {
    expect(await found({ hooks: { pre_start: command } })).toEqual([
      'error program-missing: hook pre_start cannot be run: /nowhere/ok.sh is not there',
    ]);
  });

  test('ends its lines as sh(1) has them', async () => {
    await inPlace(async (place) => {
      const windows = place.script('up.sh', 'true');
      place.write('up.sh', '#!/bin/sh\r\ntrue\r\n');
      chmodSync(windows, 0o755);
      expect(await found({ hooks: { pre_start: [windows] } })).toEqual([
        `error program-no-interpreter: hook pre_start cannot be run: the first line of ${windows} ends with CR LF, so its interpreter is looked for with a CR in its name`,
      ]);
    });
  });

  test('may be a text without an interpreter, which execvp(3) has sh(1) run, as a run does', async () => {
    await inPlace(async (place) => {
      const plain = place.script('plain.sh', 'true');
      place.write('plain.sh', 'echo up\n');
      chmodSync(plain, 0o755);
      expect(await found({ hooks: { pre_start: [plain] } })).toEqual([]);
      const said: string[] = [];
      const options = { env: {}, timeoutMs: 60_000, clock: systemClock, signal: new AbortController().signal };
      const end = await runHook([plain], { ...options, onOutput: (text) => said.push(text) });
      expect([end, said.join('')]).toEqual([{ kind: 'exited', status: 0 }, 'up\n']);
    });
  });

  test('is a loader where the spec has one, on a system with bhyve', async () => {
    const grub = { loader: { kind: 'grub-bhyve', root: 'hd0' } };
    const view = liveView({ run: runTool });
    const missing = {
      ...view,
      program: (program: string) =>
        Promise.resolve({ kind: 'refused', reason: 'missing', why: `${program} is not there` } as const),
    };
    const on = async (system: string) =>
      sentences((await checkHost(await requirementsOf(grub), { view: { ...missing, system } })).findings);
    expect(await on('freebsd')).toEqual([
      expect.stringContaining('the loader grub-bhyve cannot be run: grub-bhyve is not there'),
    ]);
    expect(await on('linux')).toEqual([]);
  });

  test('of another host is judged by what was captured there', async () => {
    const requirements = await requirementsOf({ hooks: { pre_start: '/nowhere/up.sh', post_stop: 'down' } });
    const facts = await captureFacts(liveView({ run: runTool }), asksOf(requirements));
    const codes = async (files: typeof facts.files) =>
      (await checkHost(requirements, { view: recordedView({ ...facts, files }) })).findings.map(
        ({ problem: { severity, code } }) => `${severity} ${code}`,
      );
    expect(await codes(facts.files)).toEqual(['error program-missing']);
    expect(await codes({})).toEqual(['warning not-captured']);
  });

  test('is told by vmrun check, at its place in the spec', async () => {
    await inPlace(async (place) => {
      place.write(
        'vm.json',
        '{\n  "name": "a",\n  "cpu": 1,\n  "mem": "1G",\n  "hooks": { "pre_start": "./up.sh" }\n}\n',
      );
      const { stderr } = await askVmrun(place, ['check', 'vm.json']);
      expect(stderr).toContain('vm.json:5:27  /hooks/pre_start  hook pre_start cannot be run: ./up.sh is not there');
    });
  });
});
