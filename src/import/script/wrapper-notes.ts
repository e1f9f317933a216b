import type { Problem } from '../../base/problem.js';
import { noteAt, type OriginalText } from '../original.js';
import type { Script } from './explore.js';
import type { Started, Wrapper } from './run.js';

/** What is told of programs that start bhyve, one by one. */
export const wrapperNotes = (source: OriginalText, _script: Script, { wrappers }: Started): readonly Problem[] =>
  wrappers.map((wrapper) => noteAt(source, wrapper.line, 'wrapper', ...wordsOf(wrapper)));

function wordsOf({ name, words }: Wrapper): readonly [string, string] {
  switch (name) {
    case 'env':
      return [
        `bhyve gets ${words.replace(/^\S*env\s+/, '')} in its environment here`,
        'set it for vmrun: bhyve inherits it',
      ];
    case 'daemon':
      return /\s-[a-zA-Z]*[rR]/.test(words)
        ? [
            `bhyve is started again and again by "${words}" here`,
            'vmrun boots again by itself: "reboot_on"; start it by "daemon -f", and give it -P FILE for a pid file',
          ]
        : [`bhyve is started by "${words}" here, which a spec does not say`, daemonFix(words)];
    case 'tmux':
    case 'screen':
      return [
        `bhyve is started in a window of ${name} here, which a spec does not say`,
        `start vmrun in ${name}, or give com1 a terminal of its own: "/dev/nmdm0A"`,
      ];
    case 'su':
    case 'sudo':
    case 'doas':
    case 'mdo':
      return [`bhyve is started by "${words}" here: as another user`, 'start vmrun as that user'];
    case 'timeout':
      return [
        `bhyve is ended by "${words}" here, which a spec does not say`,
        'start vmrun by timeout, which shuts the guest down',
      ];
    case 'lockf':
    case 'flock':
      return [`bhyve is started by ${name} here, which a spec does not say`, 'leave it out: vmrun starts no VM twice'];
    case 'jexec':
    case 'chroot':
      return [`bhyve is started by "${words}" here: file names are those inside it`, `start vmrun by ${name}`];
    default:
      return [
        `bhyve is started by ${name} here, which a spec does not say`,
        `start vmrun by ${name}: bhyve inherits it`,
      ];
  }
}

/** daemon(8) in front of vmrun, which writes its own pid file and log. */
const daemonFix = (words: string): string =>
  [
    'start vmrun by daemon: bhyve inherits it',
    ...(/\s-[a-zA-Z]*[pP]/.test(words) ? ['give vmrun -P FILE for a pid file'] : []),
    ...(/\s-[a-zA-Z]*[om]\b/.test(words) ? ['--log FILE for a log'] : []),
  ].join('; ');
