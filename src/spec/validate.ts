import { fits } from './fits.js';
import { vmSchema } from './schema.js';
import type { SourceNode } from './source-tree.js';
import type { ShapeFindings } from './violations.js';

/**
 * Holds a canonical spec against the schema.
 * @returns every violation in the order of the file, each as one sentence; pointers lead into `root`
 */
export async function validateShape(root: SourceNode): Promise<ShapeFindings> {
  if (fits(vmSchema, root, vmSchema.$defs)) return { findings: [], omitted: 0 };
  const { explainShape } = await import('./explain-shape.js');
  return explainShape(root);
}
