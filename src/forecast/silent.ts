import type { Foretold } from '../bhyve/foretell/foretell.js';

/** By the option, with its value behind a blank or none. */
const byOption: readonly (readonly [RegExp, string])[] = [
  [/^[^,s]*s[^,]*,virtio-input$/, 'virtio-input needs the path of an input device'],
  [/^[^,s]*s[^,]*,virtio-console$/, 'virtio-console needs a port, NAME=PATH'],
  [/l ?com[1-4]$/i, 'a com port needs what it is connected to: stdio, a tty or tcp=ADDRESS:PORT'],
  [/^f/, 'bhyve on arm64 has no -f'],
];

/** By the variable that bhyve has read last. */
const byVariable: readonly (readonly [RegExp, string])[] = [
  [/^uuid$/, 'that is not an UUID: 8-4-4-4-12 hex digits'],
  [/\.mtu$/, 'mtu must be a number from 46 to 65535'],
  [/\.(backend|type)$/, 'a backend begins with tap, vmnet, netgraph, netmap, vale or slirp'],
  [/\.(play|rec)$/, 'the name of a sound device has at most 63 bytes'],
];

/** Why bhyve ends where it says nothing of that itself; undefined: nobody knows. */
export function whySilent({ asked = '' }: Foretold, option: readonly string[]): string | undefined {
  const text = option.join(' ').replace(/^-/, '');
  return [...byOption.filter(([form]) => form.test(text)), ...byVariable.filter(([form]) => form.test(asked))][0]?.[1];
}
