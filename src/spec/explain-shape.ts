import { deviceModels } from '../devices/registry.js';
import { mostProblems } from '../base/problem.js';
import { memoryWords } from '../fields/schemas.js';
import { foreignDeviceWords, foreignFieldFix, foreignModel, foreignRootWords, respelledSize } from './foreign-words.js';
import validate from './generated/validate-vm.js';
import { rootOnlyFields, vmSchema } from './schema.js';
import { toValue, type SourceNode } from './source-tree.js';
import { explainViolations, tellingViolations, type ShapeFindings, type SpokenSchema } from './violations.js';

/**
 * What is wrong with a canonical spec by the schema.
 * @returns the violations, each as one sentence; pointers lead into `root`
 */
export function explainShape(root: SourceNode): ShapeFindings {
  if (validate(toValue(root))) return { findings: [], omitted: 0 };
  const violations = tellingViolations(validate.errors ?? []);
  const told = violations.slice(0, mostProblems);
  return { findings: explainViolations(told, root, spokenSchema), omitted: violations.length - told.length };
}

/** A field that stands too far to the right in YAML, or behind the wrong bracket. */
const fieldOfSpec = (key: string): string | undefined =>
  Object.hasOwn(vmSchema.properties ?? {}, key)
    ? 'it is a field of the spec, not of a device: put it there'
    : undefined;

/** A field that stands too far to the left. */
const fieldOfDevice = (key: string): string | undefined =>
  deviceModels.some(({ schema }) => Object.hasOwn(schema.properties, key))
    ? 'it is a field of a device: put it beside its "device", in YAML with the same indentation'
    : undefined;

const spokenSchema: SpokenSchema = {
  schema: vmSchema,
  whole: 'the spec',
  tag: {
    code: 'unknown-device',
    meaning: 'the model, e.g. "virtio-blk"',
    noun: 'a device model',
    example: '{ "device": "virtio-blk", "path": "disk.img" }',
  },
  misplaced: (key, path, known) => {
    const isTarget = path.length === 2 && path[0] === 'targets';
    if (isTarget && rootOnlyFields.includes(key))
      return 'it belongs to the spec itself and is the same in every target';
    const isDevice = path.at(-2) === 'emulations' || path.at(-1) === 'graphic';
    if (isDevice) return foreignFieldFix(key, foreignDeviceWords, known) ?? fieldOfSpec(key);
    const fields = isTarget ? [...known, ...rootOnlyFields] : known;
    return path.length === 0 || isTarget
      ? (foreignFieldFix(key, foreignRootWords, fields) ?? fieldOfDevice(key))
      : undefined;
  },
  otherTag: foreignModel,
  respelled: (text, { patternErrorMessage }) => (patternErrorMessage === memoryWords ? respelledSize(text) : undefined),
};
