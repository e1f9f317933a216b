import {
  blockOptions,
  blockVariables,
  checkBlockOptions,
  cdRequirement,
  diskRequirement,
  imageSchema,
  serialTrait,
  type BlockOptions,
} from './block.js';
import { asWords, optional, type DeviceModel, type Requirement, type Trait, type Variable } from './device.js';
import { identifyText, integer, type JsonSchema } from './json-schema.js';

/** A disk or CD drive on an AHCI controller: bhyve(8), "AHCI device backends". */
export interface AhciDrive extends BlockOptions {
  readonly path: string;
  readonly nmrr?: number;
  readonly ser?: string;
  readonly rev?: string;
  readonly model?: string;
}

/** The fields of a drive. @param image what the path is, for people */
export const driveFields = (image: string): { readonly [Field in keyof AhciDrive]-?: JsonSchema } => ({
  path: imageSchema(image),
  ...blockOptions,
  nmrr: integer('Nominal media rotation rate in rpm; 1 is a solid-state disk, 0 says nothing.', 0, 65534),
  ser: identifyText('Serial number; by default made from the path', 20),
  rev: identifyText('Firmware revision', 8),
  model: identifyText('Model name', 40),
});

export const driveOptions = (drive: AhciDrive): readonly Variable[] => [
  ...blockVariables(drive),
  ...optional('nmrr', drive.nmrr),
  ...optional('ser', drive.ser),
  ...optional('rev', drive.rev),
  ...optional('model', drive.model),
];

/** The serial number of the drive on a port. @param pointer of the drive, relative to the device */
export const driveTrait = (drive: AhciDrive, port: number, pointer: string): Trait => ({
  ...serialTrait(drive),
  pointer: `${pointer}/ser`,
  madeOf: `${pointer}/path`,
  key: `port.${port}.ser`,
});

export const driveRequirement = (type: 'hd' | 'cd', drive: AhciDrive, pointer = '/path'): Requirement =>
  type === 'cd' ? cdRequirement(drive.path, pointer) : diskRequirement(drive.path, drive, pointer);

/** FreeBSD's drivers of what is in a drive. */
export const driveDriver = { hd: 'ada', cd: 'cd' } as const;

/** An AHCI controller with one drive, which bhyve writes as a model of its own. */
export const singleDrive = (type: 'hd' | 'cd', what: string, path: string): DeviceModel<AhciDrive> => ({
  model: `ahci-${type}`,
  emulation: 'ahci',
  description: `An AHCI controller with one ${what}.`,
  schema: {
    required: ['path'],
    properties: {
      ...driveFields(`The image in the ${what}`),
    },
  },
  example: { path },
  driver: driveDriver[type],
  mayHaveDrivers: Object.values(driveDriver),
  label: (drive) => drive.path,
  check: checkBlockOptions,
  variables: (drive) => [
    { key: 'port.0.type', value: type },
    { key: 'port.0.path', value: drive.path },
    ...driveOptions(drive).map((variable) => ({ ...variable, key: `port.0.${variable.key}` })),
  ],
  words: (drive) => [drive.path, ...asWords(driveOptions(drive))],
  traits: (drive) => [driveTrait(drive, 0, '')],
  media: ({ path }) => [{ type, path }],
  requirements: (drive) => [driveRequirement(type, drive)],
});
