import { inGuest, of, tell, type Guest } from './guest.js';
import type { Places } from './places.js';

/** `6/0/0`, or `6/0/0=2:0` for a slot of the guest. One that has a slot of its own uses up none, all of them one. */
export function passthruOf(guest: Guest, places: Places): readonly string[] {
  const { properties, release } = guest;
  const words: string[] = [];
  let func = 0;
  let last: string | undefined;
  for (let number = 0; ; number += 1) {
    const card = properties.get(`passthru${number}`);
    if (card === '') break;
    const options = release.hasPassthruOptions ? properties.get(`passthru${number}_options`) : '';
    const more = options === '' ? '' : `,${options}`;
    if (card.includes('=')) {
      const [first, chosen] = [card.slice(0, card.indexOf('=')), card.slice(card.lastIndexOf('=') + 1)];
      words.push('-s', of(guest, `passthru${number}`, `${places.chosen(chosen)},passthru,${first}${more}`));
      if (release.hasBuses && /^\d+$/.test(chosen)) {
        const message = `passthru${number}: vm-bhyve since 1.7.0 takes "=${chosen}" for function ${chosen} of slot 0, not for slot ${chosen}`;
        tell(guest, `passthru${number}`, 'passthru', message, `write =${chosen}:0 for the slot`);
      }
      continue;
    }
    const [bus = ''] = card.split('/');
    if (last !== undefined && last !== bus) {
      places.nextSlot();
      func = 0;
    }
    words.push('-s', of(guest, `passthru${number}`, `${places.place(func)},passthru,${card}${more}`));
    last = bus;
    func += 1;
  }
  if (words.length > 0) places.nextSlot();
  return words;
}

export function randomOf(guest: Guest, places: Places): readonly string[] {
  return guest.properties.isYes('virt_random') ? oneOf(guest, places, 'virt_random', 'virtio-rnd') : [];
}

/** One device in the next slot. */
function oneOf(guest: Guest, places: Places, key: string, device: string): readonly string[] {
  const words = ['-s', of(guest, key, `${places.place(0)},${device}`)];
  places.nextSlot();
  return words;
}

/** Only UEFI firmware shows anything on a frame buffer. */
export function screenOf(guest: Guest, places: Places): readonly string[] {
  const { properties, isUefi } = guest;
  if (!properties.isYes('graphics')) return [];
  if (!isUefi) {
    const message = 'graphics has no effect without UEFI firmware, nor has it with vm-bhyve';
    tell(guest, 'graphics', 'graphics', message);
    return [];
  }
  const [listen, port] = [properties.get('graphics_listen'), properties.get('graphics_port')];
  const [size, vga, password] = ['graphics_res', 'graphics_vga', 'vnc_password'].map((key) => properties.get(key));
  const wait = properties.get('graphics_wait', 'auto');
  if (port === '') {
    const message = 'graphics_port is not set: vm-bhyve takes the first free port from 5900 on; the spec says 5900';
    tell(guest, 'graphics', 'vnc-port', message, 'give each VM a "port" of its own');
  }
  return oneOf(
    guest,
    places,
    'graphics',
    [
      'fbuf',
      `tcp=${listen === '' ? '0.0.0.0' : listen}:${port === '' ? '5900' : port}`,
      ...(size === undefined || size === '' ? [] : [`w=${upTo(size, 'x')}`, `h=${behindLast(size, 'x')}`]),
      ...(vga === undefined || vga === '' ? [] : [`vga=${vga}`]),
      ...(password === undefined || password === '' ? [] : [`password=${password}`]),
      // auto: only while the guest is installed.
      ...(wait === 'auto' || !properties.isYes('graphics_wait') ? [] : ['wait']),
    ].join(','),
  );
}

const upTo = (text: string, mark: string): string => text.split(mark)[0] ?? text;
const behindLast = (text: string, mark: string): string => text.slice(text.lastIndexOf(mark) + 1);

export function mouseOf(guest: Guest, places: Places): readonly string[] {
  return guest.properties.isYes('xhci_mouse') ? oneOf(guest, places, 'xhci_mouse', 'xhci,tablet') : [];
}

export function soundOf(guest: Guest, places: Places): readonly string[] {
  const { properties, release } = guest;
  const play = properties.get('sound_play', '/dev/dsp0');
  if (!properties.isYes('sound')) return [];
  const record = release.recordsSound ? properties.get('sound_rec') : '';
  return oneOf(guest, places, 'sound', ['hda', `play=${play}`, ...(record === '' ? [] : [`rec=${record}`])].join(','));
}

const maxConsolePorts = 16;

/** Ports of virtio-console: a name, or yes for the number of the port. */
export function portsOf(guest: Guest, places: Places): readonly string[] {
  const { properties, source } = guest;
  const ports: string[] = [];
  for (let number = 0; number < maxConsolePorts; number += 1) {
    const value = properties.get(`virt_console${number}`);
    if (value === '') break;
    const name = /^(yes|on|1)$/i.test(value) ? String(number) : value;
    ports.push(`${name}=${inGuest(source, `vtcon.${name}`)}`);
  }
  return ports.length === 0 ? [] : oneOf(guest, places, 'virt_console0', ['virtio-console', ...ports].join(','));
}
