/** Adds one step to a JSON Pointer: RFC 6901, section 3. */
export const child = (pointer: string, key: string | number): string =>
  typeof key === 'number' || !special.test(key)
    ? `${pointer}/${key}`
    : `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

const special = /[~/]/;

/** The steps of a JSON Pointer, unescaped: RFC 6901, section 4. */
export const steps = (pointer: string): string[] =>
  pointer === ''
    ? []
    : pointer.includes('~')
      ? pointer.slice(1).split('/').map(unescaped)
      : pointer.slice(1).split('/');

const unescaped = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');
