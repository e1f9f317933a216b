import { portConnections, type DeviceReader, type DeviceSettings, type SpecObject } from './reader.js';

function hostCard(settings: DeviceSettings): SpecObject {
  const name = settings.get('pptdev');
  const [bus, slot, func] = ['bus', 'slot', 'func'].map((key) => settings.get(key));
  if (name !== undefined) return { src: name };
  return bus === undefined || slot === undefined || func === undefined ? {} : { src: `${bus}:${slot}:${func}` };
}

export const passthruReader: DeviceReader = {
  more: hostCard,
  /** By its label where only the host can tell which card it is. */
  connections(settings, around) {
    const [bus, slot, func] = [settings.get('bus'), settings.get('slot'), settings.get('func')];
    const name = bus === undefined ? settings.get('pptdev') && around.label : `${bus}:${slot ?? ''}:${func ?? ''}`;
    return [
      ...(name === undefined ? [] : [{ kind: 'host card', name, notes: [] }]),
      ...portConnections(settings, ['rom'], { ...around, kindOf: () => 'file' }),
    ];
  },
};
