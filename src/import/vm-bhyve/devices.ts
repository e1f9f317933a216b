import { noteAt } from '../original.js';
import { inGuest, type Guest } from './guest.js';

/** `6/0/0`, or `6/0/0=2:0` for a slot of the guest. */
export function passthruOf({ properties }: Guest): readonly string[] {
  const words: string[] = [];
  let [slot, func] = [Number(properties.get('passthru_slot_start', '20')), 0];
  let last: string | undefined;
  for (let number = 0; ; number += 1) {
    const [card = '', place] = properties.get(`passthru${number}`).split('=');
    if (card === '') return words;
    if (place !== undefined) {
      words.push('-s', `${place},passthru,${card}`);
      continue;
    }
    const [hostSlot] = card.split('/');
    if (last !== undefined && last !== hostSlot) [slot, func] = [slot + 1, 0];
    words.push('-s', `${slot}:${func},passthru,${card}`);
    last = hostSlot;
    func += 1;
  }
}

/** Only UEFI firmware shows anything on a frame buffer. */
export function screenOf({ properties, isUefi, source, notes }: Guest): readonly string[] {
  const wantsScreen = properties.isYes('graphics');
  const [host, port] = [properties.get('graphics_listen', '0.0.0.0'), properties.get('graphics_port')];
  const [size, vga, password] = ['graphics_res', 'graphics_vga', 'vnc_password'].map((key) => properties.get(key));
  const wait = properties.get('graphics_wait', 'auto');
  const fbuf = properties.get('fbuf_slot', '30');
  const tablet = properties.isYes('xhci_mouse') ? ['-s', `${properties.get('xhci_slot', '29')}:0,xhci,tablet`] : [];
  if (!wantsScreen) return tablet;
  if (!isUefi) {
    const message = 'graphics has no effect without UEFI firmware, nor has it with vm-bhyve';
    notes.push(noteAt(source, properties.line('graphics'), 'graphics', message));
    return tablet;
  }
  if (port === '') {
    const message = 'graphics_port is not set: vm-bhyve takes the first free port from 5900 on; the spec says 5900';
    notes.push(noteAt(source, properties.line('graphics'), 'vnc-port', message, 'give each VM a "port" of its own'));
  }
  const [width, height] = (size ?? '').split('x');
  const words = [
    `${fbuf}:0`,
    'fbuf',
    `tcp=${host}:${port === '' ? '5900' : port}`,
    ...(width === undefined || height === undefined ? [] : [`w=${width}`, `h=${height}`]),
    ...(vga === undefined || vga === '' ? [] : [`vga=${vga}`]),
    ...(password === undefined || password === '' ? [] : [`password=${password}`]),
    // auto: only when the guest is installed.
    ...(wait === 'auto' || !properties.isYes('graphics_wait') ? [] : ['wait']),
  ];
  return ['-s', words.join(','), ...tablet];
}

export function soundOf({ properties }: Guest): readonly string[] {
  const [slot, play, rec] = [
    properties.get('sound_slot', '28'),
    properties.get('sound_play', '/dev/dsp0'),
    properties.get('sound_rec'),
  ];
  if (!properties.isYes('sound')) return [];
  return ['-s', [`${slot}:0`, 'hda', `play=${play}`, ...(rec === '' ? [] : [`rec=${rec}`])].join(',')];
}

/** Ports of virtio-console: a name, or yes for the number of the port. */
export function portsOf({ properties, source }: Guest): readonly string[] {
  const slot = properties.get('virt_console_slot', '27');
  const ports: string[] = [];
  for (let number = 0; number < 16; number += 1) {
    const value = properties.get(`virt_console${number}`);
    if (value === '') break;
    const name = /^(yes|on|1)$/i.test(value) ? String(number) : value;
    ports.push(`${name}=${inGuest(source, `vtcon.${name}`)}`);
  }
  return ports.length === 0 ? [] : ['-s', [`${slot}:0`, 'virtio-console', ...ports].join(',')];
}
