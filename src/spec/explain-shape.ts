import { memoryWords } from './field-schemas.js';
import { foreignDeviceWords, foreignFieldFix, foreignModel, foreignRootWords, respelledSize } from './foreign-words.js';
import validate from './generated/validate-vm.js';
import { rootOnlyFields, vmSchema } from './schema.js';
import { toValue, type SourceNode } from './source-tree.js';
import { explainViolations, type SchemaFinding, type SpokenSchema } from './violations.js';

/**
 * What is wrong with a canonical spec by the schema.
 * @returns every violation in the order of the file, each as one sentence; pointers lead into `root`
 */
export function explainShape(root: SourceNode): readonly SchemaFinding[] {
  if (validate(toValue(root))) return [];
  return explainViolations(validate.errors ?? [], root, spokenSchema);
}

const spokenSchema: SpokenSchema = {
  schema: vmSchema,
  whole: 'the spec',
  tag: { code: 'unknown-device', meaning: 'the model, e.g. "virtio-blk"', noun: 'a device model' },
  misplaced: (key, path, known) => {
    const isTarget = path.length === 2 && path[0] === 'targets';
    if (isTarget && rootOnlyFields.includes(key))
      return 'it belongs to the spec itself and is the same in every target';
    const isDevice = path.at(-2) === 'emulations' || path.at(-1) === 'graphic';
    if (isDevice) return foreignFieldFix(key, foreignDeviceWords, known);
    const fields = isTarget ? [...known, ...rootOnlyFields] : known;
    return path.length === 0 || isTarget ? foreignFieldFix(key, foreignRootWords, fields) : undefined;
  },
  otherTag: foreignModel,
  respelled: (text, { patternErrorMessage }) => (patternErrorMessage === memoryWords ? respelledSize(text) : undefined),
};
