import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { hasOpen } from '../../../src/host/process/open-files.js';
import type { RunTool } from '../../../src/host/process/tools.js';

/** fstat(1) of FreeBSD, asked for one process and one file. */
const fstatSaying = (stdout: string): { readonly run: RunTool; readonly asked: (readonly string[])[] } => {
  const asked: (readonly string[])[] = [];
  const run: RunTool = (argv) => {
    asked.push(argv);
    return Promise.resolve({ argv, exitCode: 0, stdout, stderr: '' });
  };
  return { run, asked };
};

const titles = 'USER     CMD          PID   FD MOUNT      INUM MODE         SZ|DV R/W NAME\n';

describe('on FreeBSD, fstat(1) tells who has a file open', () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? {};
  beforeEach(() => {
    Object.defineProperty(process, 'platform', { ...platform, value: 'freebsd' });
  });
  afterEach(() => {
    Object.defineProperty(process, 'platform', platform);
  });

  test.each<[what: string, stdout: string, isOpen: boolean]>([
    [
      'a supervisor',
      'root     node        4242   17 /var/run     12 -rw-r--r--      45 rw  /var/run/vmrun/web/lock\n',
      true,
    ],
    [
      'a program with a blank in its name',
      'root     my bhyve    4242    3 /            99 -rw-r--r--       0  w  /var/run/vmrun/web/lock\n',
      true,
    ],
    [
      'a program with a long name, and one of a user',
      'a-long-u nineteen-characters 4242 1017 /var/run 12 -rw-r--r--       0 rw  /var/run/vmrun/web/lock\n',
      true,
    ],
    [
      'a program without a name',
      'root                 4242   17 /var/run     12 -rw-r--r--      45 rw  /var/run/vmrun/web/lock\n',
      true,
    ],
    [
      'of a file whose path is forgotten',
      'root     bhyve       4242    3 -            12 -rw-r--r--      45 rw  /var/run/vmrun/web/lock\n',
      true,
    ],
    [
      'a program whose name looks like a descriptor, and has none',
      'root     a 4242 3 b  4242 text /            12 -rwxr-xr-x    9999 r   /var/run/vmrun/web/lock\n',
      false,
    ],
    ['a terminal', 'root     node        4242 ctty /dev         12 crw--w----   pts/0 rw  /var/run/x\n', false],
    ['nobody', '', false],
    ['another one', 'root     4242        1717   17 /var/run     12 -rw-r--r--      45 rw  /var/run/x\n', false],
    ['no descriptor', 'root     node        4242 text /            12 -rwxr-xr-x  9999 r  /var/run/x\n', false],
  ])('%s', async (_what, line, isOpen) => {
    const { run, asked } = fstatSaying(`${titles}${line}`);
    expect(await hasOpen(4242, '/var/run/vmrun/web/lock', run)).toBe(isOpen);
    expect(asked).toEqual([['fstat', '-p', '4242', '/var/run/vmrun/web/lock']]);
  });
});
