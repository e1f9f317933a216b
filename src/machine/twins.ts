import { child } from '../base/json-pointer.js';
import { formatAddress } from '../base/pci-address.js';
import { inOrder, type Problem } from '../base/problem.js';
import type { Spec } from '../spec/parse-spec.js';
import { deviceWords } from './identity.js';
import { guestIn, type Guest, type GuestDevice } from './guest.js';
import { planInDetail, type PlanOptions } from './plan.js';

/** Two devices of a guest that are known by one address or serial number. */
export interface Twin {
  readonly kind: 'mac' | 'serial';
  readonly value: string;
  /** The later of the two. */
  readonly device: GuestDevice;
  readonly holder: GuestDevice;
  /** Of the later: what the other does not share. */
  readonly image?: string;
}

/** Devices that a guest cannot tell apart by what tells them apart: said in the spec, or made up by bhyve. */
export function twinsOf({ devices }: Pick<Guest, 'devices'>): readonly Twin[] {
  const holders = new Map<string, GuestDevice>();
  return devices.flatMap((device) =>
    namesOf(device).flatMap(({ kind, value, image }): readonly Twin[] => {
      const key = `${kind} ${value}`;
      const holder = holders.get(key);
      if (holder === undefined) holders.set(key, device);
      return holder === undefined ? [] : [{ kind, value, device, holder, ...(image === undefined ? {} : { image }) }];
    }),
  );
}

type Name = Pick<Twin, 'kind' | 'value' | 'image'>;

const namesOf = ({ mac, serial, serials = {} }: GuestDevice): readonly Name[] => [
  ...(mac === undefined ? [] : [{ kind: 'mac' as const, value: mac }]),
  ...(serial === undefined ? [] : [{ kind: 'serial' as const, value: serial }]),
  ...Object.entries(serials).map(([image, value]) => ({ kind: 'serial' as const, value, image })),
];

/** The same of some targets, as warnings at their places: bhyve takes them, and the guest mixes them up. */
export function twinWarnings(spec: Spec, targets: readonly string[], options: PlanOptions): readonly Problem[] {
  return inOrder(
    targets.flatMap((target) => {
      const detailed = planInDetail(spec, target, options);
      if (!detailed.ok) return [];
      const { effective } = detailed.value;
      return twinsOf(guestIn(detailed.value)).map((twin): Problem => {
        const { pointer } = twin.device;
        const subject = effective.subject(pointer);
        return {
          ...wordsOf(twin),
          severity: 'warning',
          place: effective.place(twin.image === undefined ? child(pointer, field[twin.kind]) : pointer),
          ...(subject === undefined ? {} : { subject }),
        };
      });
    }),
  );
}

const field = { mac: 'mac', serial: 'ser' } as const;

/** bhyve makes the serial number of a disk of the path of its image. A CD is only read, by as many as like. */
const isOneFile = (...devices: readonly GuestDevice[]): boolean =>
  devices.every(({ model, isMadeUp }) => isMadeUp === true && ['virtio-blk', 'ahci-hd'].includes(model));

function wordsOf({ kind, value, holder, image, device }: Twin): TwinWords {
  const isItself = holder === device;
  const other = isItself
    ? 'another drive of the same controller'
    : `${deviceWords(holder)} at ${formatAddress(holder.address)}`;
  const whose = image === undefined ? 'its' : `${image}: its`;
  return twinWords({ kind, value, other, whose, isOneFile: !isItself && isOneFile(holder, device) });
}

/** What is to be said of twins. */
export type TwinWords = Pick<Problem, 'code' | 'message' | 'fix'>;

/** What twins have in common, in words: `whose` is of the later one. */
export function twinWords(twin: {
  readonly kind: Twin['kind'];
  readonly value: string;
  readonly other: string;
  readonly whose: string;
  /** Of disks: their serial numbers are made of one path, which both write to. */
  readonly isOneFile: boolean;
}): TwinWords {
  const { kind, value, other, whose } = twin;
  if (kind === 'serial' && twin.isOneFile) {
    return {
      code: 'serial-twice',
      message: `it is on the same file as ${other}, so both have the serial number ${value}: two writers corrupt what is on it`,
      fix: 'give each device a file of its own',
    };
  }
  return kind === 'mac'
    ? {
        code: 'mac-twice',
        message: `${whose} MAC ${value} is that of ${other} too: in one network neither works`,
        fix: 'give it a "mac" of its own',
      }
    : {
        code: 'serial-twice',
        message: `${whose} serial number ${value} is that of ${other} too: the guest may take both for one disk`,
        fix: 'give it a "ser" of its own',
      };
}
