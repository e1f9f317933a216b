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
  misplaced: (key, path) =>
    path.length === 2 && path[0] === 'targets' && rootOnlyFields.includes(key)
      ? 'it belongs to the spec itself and is the same in every target'
      : undefined,
};
