import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { inPlace, vmrunCommand } from './support/place.js';
import { patienceMs } from '../support/patience.js';

const namespace = ['--pid', '--fork', '--mount-proc', 'sh'];
const canChoosePids =
  spawnSync('unshare', [...namespace, '-c', 'echo 300 > /proc/sys/kernel/ns_last_pid']).status === 0;
const whereChosen = canChoosePids ? test : test.skip; // needs Linux and root

/**
 * The supervisor and the bhyve of a run are killed, and others get their numbers, which run the same program. Then a
 * command is given, and said whether these two still run. In a namespace of its own, which ends with the script.
 */
const script = `
set -u
base=$1; shift
"$@" -c vm.json --simulate=run --run-dir "$base" --events events &
supervisor=$!
until bhyve=$(sed -n 's/.*"kind":"boot".*"pid":\\([0-9]*\\).*/\\1/p' events 2>/dev/null) && [ -n "$bhyve" ]; do /bin/true; done
until grep -q '"program"' "$base-simulated"/*/state.json; do /bin/true; done
kill -KILL "$supervisor" "$bhyve"
until ! [ -e "/proc/$supervisor" ] && ! [ -e "/proc/$bhyve" ]; do /bin/true; done
for pid in $supervisor $bhyve; do
  echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
  "$1" -e 'setInterval(() => undefined, 2 ** 30)' &
  [ $! = "$pid" ] || { echo "no process got number $pid"; exit 1; }
done
eval "$COMMAND" > output 2>&1
echo "ended $?"
for pid in $supervisor $bhyve; do
  case $(cat "/proc/$pid/stat" 2>/dev/null) in *") Z "* | '') echo "$pid was ended" ;; *) echo alive ;; esac
done
`;

whereChosen.each<[command: string, ended: RegExp, says: RegExp]>([
  ['"$@" ps --run-dir "$base" --simulate', /^ended 0$/, /^/],
  ['"$@" stop "$NAME" --simulate --run-dir "$base"', /^ended \d+$/, /^/],
  ['"$@" stop "$NAME" --simulate --now --run-dir "$base"', /^ended \d+$/, /^/],
  ['"$@" -c vm.json --simulate=halt --run-dir "$base"', /^ended 2$/, /halted/],
  ['"$@" -c vm.json --simulate=halt --force --run-dir "$base"', /^ended 2$/, /halted/],
  // How the killed bhyve ended was written down, and no boot follows that.
  ['"$@" -c vm.json --simulate=halt --adopt --run-dir "$base"', /^ended 137$/, /was killed by SIGKILL/],
])('processes that got the numbers of a run that was killed are not signalled by %s', async (command, ended, says) => {
  await inPlace((place) => {
    place.spec({});
    const words = [...namespace, '-c', script, 'sh', place.runBase, ...vmrunCommand];
    const env = { PATH: process.env.PATH, NAME: place.name, COMMAND: command };
    const { stdout, stderr } = spawnSync('unshare', words, {
      ...{ cwd: place.folder, encoding: 'utf8', env },
      ...{ timeout: patienceMs, killSignal: 'SIGKILL' },
    });
    const lines = stdout.trim().split('\n');
    expect([...lines, ...stderr.split('\n').filter((line) => line.includes('bug'))]).toEqual([
      expect.stringMatching(ended),
      'alive',
      'alive',
    ]);
    expect(readFileSync(place.path('output'), 'utf8')).toMatch(says);
    return Promise.resolve();
  });
});
