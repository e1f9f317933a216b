import { expect, test } from '@jest/globals';
import { parseXml } from '../../src/import/xml.js';

test.each([
  ['a comment', '<domain><!-- <!DOCTYPE d [<!ENTITY a "b">]> --></domain>'],
  ['a comment before the domain', '<!-- without <!doctype --><domain/>'],
  ['a text as it is', '<domain><![CDATA[<!DOCTYPE d>]]></domain>'],
  ['an instruction', '<?note <!DOCTYPE d> ?><domain/>'],
  ['an attribute', '<domain note="&lt;!DOCTYPE d>" more="!DOCTYPE"/>'],
])('a document type that is only spoken of, in %s, is none', (_where, text) => {
  expect(parseXml(text)).toMatchObject({ ok: true, root: { name: 'domain' } });
});

test.each([
  ['first of all', '<!DOCTYPE d><domain/>'],
  ['behind an instruction', '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "b">]><domain/>'],
  ['behind a comment that speaks of one', '<!-- <!DOCTYPE --> <!doctype d><domain/>'],
  ['inside the domain', '<domain><!ENTITY a "b"></domain>'],
])('a document type is refused: %s', (_where, text) => {
  const parsed = parseXml(text);
  expect(parsed.ok ? '' : parsed.fault.message).toContain('a document type is not accepted');
});
