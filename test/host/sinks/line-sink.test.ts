import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { codeOf } from '../../../src/base/error-code.js';
import {
  descriptorByteSink,
  descriptorSink,
  describeLoss,
  fileByteSink,
  fileSink,
  type Sink,
} from '../../../src/host/sinks/line-sink.js';
import { inOwnProcess } from '../../support/own-process.js';
import { until } from '../../e2e/support/place.js';

let folder: string;
const at = (...names: readonly string[]): string => path.join(folder, ...names);
const content = (name: string): string => readFileSync(at(name), 'utf8');
/** What a test has opened, closed after it. */
const descriptors: number[] = [];
const sinks: Sink[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-sink-'));
});
afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.end(0)));
  for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  rmSync(folder, { recursive: true, force: true });
});

const used = <S extends Sink>(sink: S): S => {
  sinks.push(sink);
  return sink;
};

function open(file: string, flags: number): number {
  const descriptor = openSync(file, flags);
  descriptors.push(descriptor);
  return descriptor;
}

/** The reading end of a FIFO, which reads when it is told to. */
function fifo(name = 'fifo') {
  const file = at(name);
  if (!existsSync(file)) execFileSync('mkfifo', [file]);
  const descriptor = open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const chunk = Buffer.alloc(64 * 1024);
  let text = '';
  const read = (): string => {
    try {
      for (;;) {
        const bytes = readSync(descriptor, chunk);
        if (bytes === 0) return text;
        text += chunk.toString('latin1', 0, bytes);
      }
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      return text;
    }
  };
  return {
    file,
    read,
    /** Reads until it has read the text. */
    readUntil: async (end: string): Promise<string> => {
      await until(() => read().includes(end));
      return text;
    },
    close: (): void => {
      descriptors.splice(descriptors.indexOf(descriptor), 1);
      closeSync(descriptor);
    },
  };
}

/** A clock that stands still. */
function stoppedClock() {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    advance: (ms: number): void => {
      nowMs += ms;
    },
  };
}

const numbered = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index} ${'x'.repeat(90)}\n`);

/** Fills a FIFO, whose last line is then cut, and the queue of its sink. @returns how many lines were written */
function flood(sink: Sink, lines = 5000): number {
  for (let from = 1; from <= lines; from += 100) sink.write(numbered(from, from + 99).join(''));
  return lines;
}

const numbersIn = (text: string): readonly number[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('line '))
    .map((line) => {
      expect(line).toMatch(/^line \d+ x{90}$/);
      return Number(line.split(' ')[1]);
    });

describe('a file', () => {
  test('has the lines at once, in order, after what was there', () => {
    writeFileSync(at('log'), 'before\n');
    const sink = used(fileSink(at('log')));
    sink.write('one\ntwo\n');
    expect(content('log')).toBe('before\none\ntwo\n');
    sink.write('three\n');
    expect(content('log')).toBe('before\none\ntwo\nthree\n');
  });

  test('is made readable for its group, or for its owner alone', () => {
    used(fileSink(at('log'))).write('one\n');
    used(fileSink(at('secret'), { mode: 0o600 })).write('one\n');
    writeFileSync(at('ordinary'), '', { mode: 0o640 });
    const modeOf = (name: string): number => statSync(at(name)).mode & 0o777;
    expect([modeOf('log'), modeOf('secret')]).toEqual([modeOf('ordinary'), 0o600]);
  });

  test('is not made before there is something to write', () => {
    used(fileSink(at('log')));
    expect(existsSync(at('log'))).toBe(false);
  });

  test('that was renamed goes on until it is opened anew, and no line is lost', () => {
    const sink = used(fileSink(at('log')));
    sink.write('one\n');
    renameSync(at('log'), at('log.0'));
    sink.write('two\n');
    sink.reopen();
    sink.write('three\n');
    expect(content('log.0')).toBe('one\ntwo\n');
    expect(content('log')).toBe('three\n');
  });

  test('takes a line of 64 MiB that comes in pieces', () => {
    const piece = 'x'.repeat(64 * 1024);
    const sink = used(fileSink(at('log')));
    for (let pieces = 0; pieces < 1024; pieces += 1) sink.write(piece);
    sink.write('\nnext\n');
    expect(statSync(at('log')).size).toBe(64 * 1024 * 1024 + '\nnext\n'.length);
  });

  test('takes bytes as they are', () => {
    const sink = used(fileByteSink(at('log')));
    sink.write(Uint8Array.of(0, 0xff, 0xe2));
    sink.write(Uint8Array.of(0x82, 0xac, 0x0d));
    expect([...readFileSync(at('log'))]).toEqual([0, 0xff, 0xe2, 0x82, 0xac, 0x0d]);
  });
});

describe('trouble', () => {
  const troubled = (file: string) => {
    const troubles: (string | undefined)[] = [];
    const clock = stoppedClock();
    const sink = used(fileSink(file, { clock, onTrouble: (error) => troubles.push(error) }));
    return { sink, clock, troubles };
  };

  test('is told once, however much is written', () => {
    const { sink, clock, troubles } = troubled('/dev/full');
    for (let line = 0; line < 10; line += 1) {
      sink.write('line\n');
      clock.advance(700);
    }
    expect(troubles).toEqual([expect.stringMatching(/no space left on device \(ENOSPC\)$/)]);
  });

  test.each<[title: string, file: string, error: RegExp]>([
    ['a folder that is missing', 'none/log', /^no such file or directory \(ENOENT\)$/],
    ['a folder in place of a file', '.', /^illegal operation on a directory \(EISDIR\)$/],
    ['a file in place of a folder', 'file/log', / is not a directory \(ENOTDIR\)$/],
  ])('is told of %s', (_title, file, error) => {
    writeFileSync(at('file'), '');
    const { sink, troubles } = troubled(at(file));
    sink.write('line\n');
    expect(troubles).toEqual([expect.stringMatching(error)]);
  });

  test('passes: a second later the file is tried again, and says how many lines are missing', () => {
    const { sink, clock, troubles } = troubled(at('none/log'));
    sink.write('one\n');
    mkdirSync(at('none'));
    clock.advance(999);
    sink.write('two\nthree\n');
    expect(troubles).toHaveLength(1);
    expect(existsSync(at('none/log'))).toBe(false);
    clock.advance(1);
    sink.write('four\n');
    expect(troubles).toEqual([expect.stringMatching(/^no such file or directory \(ENOENT\)$/), undefined]);
    expect(content('none/log')).toMatch(
      /^vmrun: 3 lines were not written here: no such file or directory \(ENOENT\)\nfour\n$/,
    );
    sink.write('five\n');
    expect(content('none/log')).toMatch(/\nfour\nfive\n$/);
  });

  test('is not waited for when the file is opened anew', () => {
    const { sink, troubles } = troubled(at('none/log'));
    sink.write('one\n');
    mkdirSync(at('none'));
    sink.reopen();
    expect(content('none/log')).toMatch(/^vmrun: 1 line was not written here: no such file or directory \(ENOENT\)/);
    expect(troubles.at(-1)).toBeUndefined();
  });

  test('that goes on forgets none of the lines, when even the words about them cannot be written', () => {
    const become = (target: string): void => {
      rmSync(at('log'), { force: true });
      symlinkSync(target, at('log'));
    };
    const { sink, clock, troubles } = troubled(at('log'));
    become(at('none/log'));
    sink.write('one\ntwo\n');
    become('/dev/full');
    clock.advance(1000);
    sink.write('three\n');
    become(at('file'));
    clock.advance(1000);
    sink.write('four\n');
    expect(content('file')).toMatch(
      /^vmrun: 3 lines were not written here: no space left on device \(ENOSPC\)\nfour\n$/,
    );
    expect(troubles).toHaveLength(2);
  });

  test('is given a last chance at the end, without a wait', async () => {
    const { sink } = troubled(at('none/log'));
    sink.write('one\n');
    mkdirSync(at('none'));
    await sink.end(0);
    expect(content('none/log')).toMatch(/^vmrun: 1 line was not/);
  });

  test('is a reader of a FIFO that leaves, until another one comes', async () => {
    const first = fifo();
    const { sink, clock, troubles } = troubled(first.file);
    sink.write('one\n');
    expect(first.read()).toBe('one\n');
    first.close();
    sink.write('two\n');
    expect(troubles).toEqual([expect.stringMatching(/^broken pipe \(EPIPE\)$/)]);
    clock.advance(1000);
    sink.write('three\n');
    const second = fifo();
    clock.advance(1000);
    sink.write('four\n');
    expect(await second.readUntil('four\n')).toMatch(
      /^vmrun: 2 lines were not written here: no such device or address \(ENXIO\)\nfour\n$/,
    );
    expect(troubles).toEqual([expect.anything(), undefined]);
  });

  test('with a reader that leaves in the middle of a line gives the next one no rest of it', async () => {
    const first = fifo();
    const { sink, clock } = troubled(first.file);
    const written = flood(sink, 1000);
    const read = first.read().split('\n');
    expect(read.at(-1)).not.toBe('');
    first.close();
    sink.write('gone\n');
    const second = fifo();
    clock.advance(1000);
    sink.write('next\n');
    const lost = written - (read.length - 1) + 1;
    expect(await second.readUntil('next\n')).toBe(`vmrun: ${describeLoss(lost, 'broken pipe (EPIPE)')}\nnext\n`);
  });
});

describe('a reader that does not read', () => {
  test('gets all of it once it reads, as long as it fits', async () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file));
    const written = flood(sink);
    expect(numbersIn(await reader.readUntil(`line ${written} ${'x'.repeat(90)}\n`))).toEqual(
      Array.from({ length: written }, (_, index) => index + 1),
    );
  });

  test('gets whole lines, in order, and is told how many it missed', async () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file, { maxQueuedBytes: 10_000 }));
    const written = flood(sink);
    const text = await reader.readUntil('not written here');
    const kept = numbersIn(text);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => index + 1));
    expect(kept.length).toBeLessThan(written);
    const lost = written - kept.length;
    expect(text.trimEnd().split('\n').at(-1)).toBe(
      `vmrun: ${lost} lines were not written here: the reader did not keep up`,
    );
    sink.write('next\n');
    expect(await reader.readUntil('next\n')).toMatch(/keep up\nnext\n$/);
  });

  test('costs no more memory than was said, whatever is written', async () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file, { maxQueuedBytes: 1000 }));
    flood(sink);
    const pipe = reader.read().length;
    sink.write('end\n');
    const text = await reader.readUntil('not written here');
    expect(text.length).toBeLessThan(pipe + 1000 + 200);
  });

  test('is not given half a line, and costs no memory, where one has no end: 64 MiB in pieces', async () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file));
    const piece = `${'x'.repeat(64 * 1024 - 1)}\n`;
    for (let pieces = 0; pieces < 1024; pieces += 1) sink.write(piece);
    const text = await reader.readUntil('not written here');
    const lines = text.trimEnd().split('\n');
    const [, lost] = /^vmrun: (\d+) lines/.exec(lines.at(-1) ?? '') ?? [];
    expect(lines.length - 1 + Number(lost)).toBe(1024);
    expect(new Set(lines.slice(0, -1).map((line) => line.length))).toEqual(new Set([64 * 1024 - 1]));
    expect(text.length).toBeLessThan(2 * 1024 * 1024);
  });

  test('keeps the line that it has begun, and another file does not get its rest', () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file));
    const written = flood(sink);
    renameSync(reader.file, at('fifo.0'));
    sink.reopen();
    sink.write('next\n');
    const whole = reader.read().split('\n').length - 1;
    expect(content('fifo')).toBe(`vmrun: ${describeLoss(written - whole)}\nnext\n`);
  });

  test('has the bytes of a console dropped, and none added', async () => {
    const reader = fifo();
    const sink = used(fileByteSink(reader.file, { maxQueuedBytes: 1000 }));
    for (let count = 0; count < 200; count += 1) sink.write(Buffer.alloc(1000, 'x'));
    const before = reader.read().length;
    await until(() => reader.read().length > before);
    sink.write(Buffer.from('end'));
    expect(await reader.readUntil('end')).toMatch(/^x+end$/);
  });

  test('may have words of its own for what it missed', async () => {
    const reader = fifo();
    const notice = (lines: number, why: string): string => `${JSON.stringify({ lines, why })}\n`;
    const sink = used(fileSink(reader.file, { maxQueuedBytes: 1000, notice }));
    flood(sink);
    expect(await reader.readUntil('keep up')).toContain('\n{"lines":');
  });
});

describe('the end', () => {
  test('waits for a reader that reads', async () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file));
    const written = flood(sink);
    const ended = sink.end(20_000);
    const text = await reader.readUntil(`line ${written} ${'x'.repeat(90)}\n`);
    await ended;
    expect(numbersIn(text)).toHaveLength(written);
  });

  test('does not wait longer than the grace for one that does not, and closes the file', async () => {
    const reader = fifo();
    const sink = used(fileSink(reader.file));
    flood(sink);
    const startedMs = performance.now();
    await sink.end(50);
    expect(performance.now() - startedMs).toBeGreaterThan(45);
    // The end of the file: nobody has it open for writing any more.
    const pipe = reader.read();
    sink.write('too late\n');
    expect(reader.read()).toBe(pipe);
  });

  test('comes at once where nothing waits', async () => {
    const sink = used(fileSink(at('log')));
    sink.write('one\n');
    await sink.end(3_600_000);
    expect(content('log')).toBe('one\n');
  });
});

describe('a descriptor', () => {
  test('that is a file is written at once, where it stands', () => {
    const descriptor = open(at('out'), constants.O_WRONLY | constants.O_CREAT);
    const sink = used(descriptorSink(descriptor));
    sink.write('one\n');
    expect(content('out')).toBe('one\n');
  });

  test('that is a pipe stays as it was for those who share it, and its reader is not waited for', async () => {
    const reader = fifo();
    const shared = open(reader.file, constants.O_WRONLY);
    const flags = (): string => readFileSync(`/proc/self/fdinfo/${shared}`, 'utf8');
    const before = process.platform === 'linux' ? flags() : '';
    const sink = used(descriptorSink(shared, { maxQueuedBytes: 10_000 }));
    const written = flood(sink);
    if (process.platform === 'linux') expect(flags()).toBe(before);
    const kept = numbersIn(await reader.readUntil('not written here')).length;
    expect(reader.read()).toContain(`vmrun: ${written - kept} lines were not written`);
  });

  test('whose reader has gone takes all, and is quiet for ever', () => {
    const first = fifo();
    const shared = open(first.file, constants.O_WRONLY);
    const troubles: unknown[] = [];
    const sink = used(descriptorSink(shared, { onTrouble: (error) => troubles.push(error) }));
    sink.write('one\n');
    expect(first.read()).toBe('one\n');
    first.close();
    sink.write('two\n');
    const second = fifo();
    sink.write('three\n');
    expect(second.read()).toBe('');
    expect(troubles).toEqual([]);
  });

  test('that is closed is quiet', async () => {
    const descriptor = openSync(at('out'), 'w');
    closeSync(descriptor);
    const sink = used(descriptorByteSink(descriptor));
    sink.write('one');
    await sink.end(3_600_000);
    expect(content('out')).toBe('');
  });

  describe('that is a socket', () => {
    /** Writes 3 MiB, and each time starts a child that shares the descriptor, which makes it blocking again. */
    const writing = (...then: readonly string[]) =>
      inOwnProcess(
        folder,
        'host/sinks/line-sink.ts',
        'descriptorSink',
        `import { spawnSync } from 'node:child_process';`,
        `const sink = descriptorSink(2);`,
        `for (let n = 0; n < 3; n += 1) {`,
        `  sink.write('${'x'.repeat(1023)}\\n'.repeat(1024));`,
        `  spawnSync('true', { stdio: ['ignore', 'ignore', 2] });`,
        `}`,
        `console.log('all written');`,
        ...then,
      );

    test('is not waited for, whoever shares it, and does not keep the process alive', async () => {
      const { child, ended } = writing(`await sink.end(50);`, `console.log('ended');`);
      try {
        expect(await ended).toEqual({ stdout: 'all written\nended\n', status: 0 });
      } finally {
        child.kill('SIGKILL');
      }
    });

    test('that is gone ends nobody', async () => {
      const { child, ended } = writing(
        `for (let n = 0; n < 100; n += 1) { sink.write('line\\n'); await new Promise(setImmediate); }`,
        `await sink.end(3_600_000);`,
      );
      child.stderr?.destroy();
      expect(await ended).toEqual({ stdout: 'all written\n', status: 0 });
    });
  });
});
