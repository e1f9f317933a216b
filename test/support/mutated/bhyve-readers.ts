import { foretell } from '../../../src/bhyve/foretell/foretell.js';
import { parseCommandLine } from '../../../src/bhyve/parse.js';
import { startBhyveload } from '../../../src/simulator/bhyveload.js';
import { startGrubBhyve } from '../../../src/simulator/grub-bhyve.js';
import { parseScript } from '../../../src/simulator/script.js';
import { nothingTold, type Readers } from './reader.js';
import { argvs, configFiles } from './texts.js';

const platform = { arch: 'amd64', release: 15 } as const;

export const bhyveReaders: Readers = {
  "bhyve's command line": () => ({
    seeds: argvs,
    share: 1,
    read: (text) => {
      const options = { ...platform, readFile: () => undefined };
      const parsed = parseCommandLine(text.split('\n'), options);
      foretell(text.split('\n'), { ...options, loaded: false, isSuspect: () => true });
      return nothingTold(parsed.kind === 'failed' ? parsed.messages[0] : parsed.kind);
    },
  }),
  'a file that bhyve is given by -k, or for its fwcfg': () => ({
    seeds: configFiles,
    share: 6,
    read: (text) => {
      const argv = ['-k', '/vm/vm.options', '-f', 'name=opt/a,file=/vm/a', 'vm'];
      const parsed = parseCommandLine(argv, { ...platform, readFile: () => text });
      foretell(argv, { ...platform, readFile: () => text, loaded: false, isSuspect: () => true });
      return nothingTold(parsed.kind === 'failed' ? parsed.messages[0] : parsed.kind);
    },
  }),
  'the command line of a loader': () => ({
    seeds: [
      '-m\n1G\n-d\n/vm/a.img\n-c\n/dev/nmdm0A\n-e\nautoboot_delay=1\nvm',
      '-S\n-h\n/vm\n-l\n/boot/loader.so\nvm',
      '-r\nhd0,msdos1\n-m\n/vm/device.map\n-M\n1G\n--cons-dev\n/dev/nmdm0A\nvm',
      '--root=hd0\n--device-map=/vm/device.map\n--memory=512M\n-S\nvm',
    ],
    share: 6,
    read: (text) => {
      const options = { release: 15, boot: 1, readFile: () => text } as const;
      const started = [startBhyveload, startGrubBhyve].map((start) => start(text.split('\n'), options));
      return nothingTold(started.map((one) => (one.kind === 'failed' ? one.messages[0] : one.kind)).join());
    },
  }),
  "the simulator's script": () => ({
    seeds: ['reboot,reboot,power_off', 'run:3s', 'reboot*3,halt', 'signal:SEGV', 'error@2s,deaf'],
    share: 6,
    read: (text) => {
      const script = parseScript(text);
      return nothingTold(script.kind === 'error' ? script.message : script.kind);
    },
  }),
};
