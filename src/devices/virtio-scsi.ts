import type { Finding } from '../base/problem.js';
import { child } from '../base/json-pointer.js';
import { blockOptions } from './block.js';
import { asWords, defineDevice, optional, type DeviceContext, type Requirement, type Variable } from './device.js';
import { file, integer } from './json-schema.js';

interface ScsiTarget {
  readonly id?: number;
  readonly path: string;
}

interface VirtioScsi {
  /** With release 16 it is target 0. */
  readonly path?: string;
  /** A target without an id has the highest id before it, plus 1. */
  readonly targets?: readonly (string | ScsiTarget)[];
  readonly iid?: number;
  readonly bootindex?: number;
  readonly seg_max?: number;
  readonly num_queues?: number;
  readonly ctl_ringsz?: number;
  readonly evt_ringsz?: number;
  readonly req_ringsz?: number;
  readonly thr_per_q?: number;
}

const maxTarget = 255;

const newerOptions = ['seg_max', 'num_queues', 'ctl_ringsz', 'evt_ringsz', 'req_ringsz', 'thr_per_q'] as const;

interface NumberedTarget extends Required<ScsiTarget> {
  readonly pointer: string;
}

/** The targets with their ids, counted as bhyve does. */
function targetsOf({ path, targets }: VirtioScsi): readonly NumberedTarget[] {
  let last = -1;
  const listed = (targets ?? []).map((target, index): NumberedTarget => {
    const { id = last + 1, path: own } = typeof target === 'string' ? { path: target } : target;
    last = Math.max(last, id);
    return { id, path: own, pointer: child('/targets', index) };
  });
  return path === undefined ? listed : [{ id: 0, path, pointer: '/path' }, ...listed];
}

const options = (fields: VirtioScsi): readonly Variable[] => [
  ...optional('iid', fields.iid),
  ...optional('bootindex', fields.bootindex),
  ...newerOptions.flatMap((option) => optional(option, fields[option])),
];

/** pci_virtio_scsi.c of release 16 opens the value of a target without expanding it. */
const targetVariables = (fields: VirtioScsi): readonly Variable[] =>
  targetsOf(fields).map(({ id, path }) => ({ key: `target.${id}`, value: path, isLiteral: true }));

/** `[ID:]path`, where a path that begins with "/" is never taken for an ID. The first word must not look like an option. */
function targetWords(fields: VirtioScsi): readonly string[] | undefined {
  const targets = targetsOf(fields);
  if (targets.some(({ path }) => !path.startsWith('/'))) return undefined;
  return targets.map(({ id, path }, index) => {
    const target = index === 0 && id === 0 ? path : `${id}:${path}`;
    return index === 0 && !path.includes('=') ? target : `target=${target}`;
  });
}

function check(fields: VirtioScsi, { release }: DeviceContext): readonly Finding[] {
  return [...checkBacking(fields), ...checkTargets(fields), ...(release === 16 ? [] : checkNewer(fields, release))];
}

function checkBacking({ path, targets }: VirtioScsi): readonly Finding[] {
  if (path !== undefined && targets !== undefined) {
    return [
      {
        code: 'scsi-targets-twice',
        pointer: '/targets',
        message: 'path and targets both name a target',
        fix: 'keep one of them: path is target 0',
      },
    ];
  }
  if (path !== undefined || targets !== undefined) return [];
  return [
    {
      code: 'required',
      pointer: '/path',
      message: 'path is required: the CTL device',
      fix: 'add e.g. "path": "/dev/cam/ctl", or with FreeBSD 16 "targets"',
    },
  ];
}

function checkTargets({ targets }: VirtioScsi): readonly Finding[] {
  const holders = new Map<number, string>();
  return targetsOf(targets === undefined ? {} : { targets }).flatMap(({ id, path, pointer }): readonly Finding[] => {
    const holder = holders.get(id);
    holders.set(id, holder ?? path);
    if (id > maxTarget) {
      return [
        {
          code: 'scsi-target',
          pointer,
          message: `a target without an id takes the highest one plus 1, which is ${id}, and ${maxTarget} is the last`,
          fix: 'give it an "id" that is free',
        },
      ];
    }
    if (holder === undefined) return [];
    return [
      {
        code: 'scsi-target-twice',
        pointer,
        message: `target ${id} is ${holder} already`,
        fix: 'give each target an "id" of its own, or leave it out',
      },
    ];
  });
}

const checkNewer = (fields: VirtioScsi, release: number): readonly Finding[] =>
  (['targets', ...newerOptions] as const)
    .filter((field) => fields[field] !== undefined)
    .map((field) => ({
      code: 'release',
      pointer: child('', field),
      message: `${field} needs FreeBSD 16, this is FreeBSD ${release}`,
      fix: field === 'targets' ? 'use "path" for one target' : `leave "${field}" out`,
    }));

const optionOf16 = (description: string, minimum: number, maximum: number) =>
  integer(`${description} FreeBSD 16.`, minimum, maximum);

/** A SCSI controller whose disks are those of CTL: bhyve(8), "SCSI device backends". */
export const virtioScsi = defineDevice<VirtioScsi>({
  model: 'virtio-scsi',
  description: "A SCSI controller with the LUNs of the host's CAM Target Layer.",
  schema: {
    properties: {
      path: file('Device of a CTL port.', { examples: ['/dev/cam/ctl', '/dev/cam/ctl1.2'] }),
      targets: {
        type: 'array',
        description:
          'Several CTL devices, each a target, instead of path: a path, or id and path. Without an id a target has the highest id so far plus 1. FreeBSD 16.',
        minItems: 1,
        maxItems: maxTarget + 1,
        items: {
          ...file('Device of a CTL port.'),
          type: ['string', 'object'],
          properties: {
            id: integer('Number of the target.', 0, maxTarget),
            path: file('Device of a CTL port.'),
          },
          required: ['path'],
          additionalProperties: false,
        },
        examples: [['/dev/cam/ctl1.1', { id: 5, path: '/dev/cam/ctl2.1' }]],
      },
      iid: integer('Initiator id for CTL; bhyve uses 0 unless set.', 0, 2 ** 31 - 1),
      bootindex: blockOptions.bootindex,
      seg_max: optionOf16('Most segments of one request.', 3, 4092),
      num_queues: optionOf16('Number of request queues.', 1, 30),
      ctl_ringsz: optionOf16('Entries in the control queue.', 4, 4096),
      evt_ringsz: optionOf16('Entries in the event queue.', 4, 4096),
      req_ringsz: optionOf16('Entries in each request queue.', 4, 4096),
      thr_per_q: optionOf16('Threads for each request queue.', 1, 256),
    },
  },
  example: { path: '/dev/cam/ctl1.1', iid: 1 },
  // The LUNs are whatever CTL has: disks are da.
  mayHaveDrivers: ['cd'],
  label: (fields) =>
    targetsOf(fields)
      .map(({ path }) => path)
      .join(', '),
  check,
  variables: (fields, { release }) => [
    ...(release === 16 ? targetVariables(fields) : optional('dev', fields.path)),
    ...options(fields),
  ],
  words: (fields, { release }) => {
    const first = release === 16 ? targetWords(fields) : [fields.path ?? ''];
    return first === undefined ? undefined : [...first, ...asWords(options(fields))];
  },
  requirements: (fields) =>
    targetsOf(fields).map(({ path, pointer }): Requirement => ({
      kind: 'file',
      path,
      types: ['character device'],
      access: 'write',
      pointer,
    })),
});
