import { startBhyveload } from './bhyveload.js';
import { readFile, stayAlive, writeLines } from './effects.js';
import type { Settings } from './environment.js';
import { startGrubBhyve } from './grub-bhyve.js';
import type { LoaderEnd, LoaderName } from './loaders.js';

/** Plays a loader: says what it loads, takes the commands that it is given, and ends as the environment says. */
export function playLoader(program: LoaderName, argv: readonly string[], settings: Settings): void {
  const start = { bhyveload: startBhyveload, 'grub-bhyve': startGrubBhyve }[program];
  const started = start(argv, { ...settings, readFile });
  if (started.kind === 'failed') {
    writeLines(2, started.messages);
    process.exit(started.status);
  }
  writeLines(1, [started.line]);
  const end = (): void => {
    endLoader(program, settings.loaderEnd);
  };
  if (started.readsCommands && !process.stdin.isTTY) readCommands(end);
  else end();
}

/** Shows each command as GRUB does, until one boots the guest or there are no more. */
function readCommands(onEnd: () => void): void {
  const { stdin } = process;
  let rest = '';
  stdin.setEncoding('utf8');
  stdin.on('error', onEnd);
  stdin.on('end', onEnd);
  stdin.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      writeLines(1, [`grub> ${line}`]);
      if (line.trim() !== 'boot') continue;
      stdin.removeAllListeners().destroy();
      onEnd();
      return;
    }
  });
}

/** What each says where there is nothing to load. */
const lastWords: Readonly<Record<LoaderName, string>> = {
  bhyveload: "can't load 'kernel'",
  'grub-bhyve': 'error: no such partition.',
};

function endLoader(program: LoaderName, end: LoaderEnd): void {
  switch (end) {
    case 'ok':
      process.exit(0);
      break;
    case 'fail':
      writeLines(2, [lastWords[program]]);
      process.exit(1);
      break;
    case 'reboot':
      process.exit(2);
      break;
    case 'hang':
      stayAlive();
      break;
  }
}
