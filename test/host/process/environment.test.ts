import { expect, test } from '@jest/globals';
import { programEnvironment, toolEnvironment } from '../../../src/host/process/environment.js';
import { runTool } from '../../../src/host/process/tools.js';

const own = {
  ...{ PATH: '/bin', HOME: '/root', USER: 'root', LOGNAME: 'root', SHELL: '/bin/sh', TERM: 'vt100', TZ: 'UTC' },
  ...{ LANG: 'de_DE.UTF-8', LC_ALL: 'C.UTF-8', LC_TIME: 'C', VMRUN_SIM_SCRIPT: 'halt' },
};
const others = {
  AWS_SECRET: 'x',
  LD_PRELOAD: '/x.so',
  NODE_OPTIONS: '--x',
  LCX: 'x',
  SSH_AUTH_SOCK: '/x',
  BASH_ENV: '/x',
};

test('programs get what a session of the user has, what begins with VMRUN_, what is added, and nothing else', () => {
  expect(programEnvironment({ VMRUN_NAME: 'web', TZ: 'CET' }, { ...own, ...others })).toEqual({
    ...own,
    VMRUN_NAME: 'web',
    TZ: 'CET',
  });
});

test('tools get PATH, and speak the same in every language', () => {
  expect(toolEnvironment({}, { ...own, ...others })).toEqual({ PATH: '/bin', LC_ALL: 'C' });
  expect(toolEnvironment({ PATH: '/x' }, {})).toEqual({ PATH: '/x', LC_ALL: 'C' });
});

test('a tool that is run finds that environment', async () => {
  process.env.SECRET_OF_A_SERVICE = 'told';
  const { stdout } = await runTool(['env']);
  delete process.env.SECRET_OF_A_SERVICE;
  expect(stdout.trimEnd().split('\n').sort()).toEqual(['LC_ALL=C', `PATH=${process.env.PATH ?? ''}`]);
});
