import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { hasUnseen } from '../../src/base/visible.js';
import { yamlText } from '../../src/spec/yaml-text.js';

test('YAML holds what cannot be seen in escapes, and reads back the same', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '\t', '"', '\\', '\u001b', '\u0085', '\u202e', '\u{e0041}', '#'),
  });
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (spec) => {
      const yaml = yamlText(spec);
      expect(hasUnseen(yaml.replaceAll(/[\n\t]/g, ''))).toBe(false);
      expect(parse(yaml)).toEqual({ ...spec });
    }),
  );
});
