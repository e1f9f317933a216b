import { stringify } from 'yaml';

/** A spec as YAML 1.2, with a line end behind it. */
export const yamlText = (spec: unknown): string => stringify(spec, { lineWidth: 120 });
