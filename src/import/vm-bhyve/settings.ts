import type { Property } from '../properties.js';

/** Whether text is the configuration of a guest of vm-bhyve, for telling what it is. */
export const isVmBhyve = (text: string): boolean => {
  const keys = new Set(linesOf(text).map(({ name }) => name));
  const others = ['loader', 'cpu', 'guest', 'uefi', 'disk0_type', 'disk0_name', 'network0_type', 'bhyve_options'];
  return keys.has('memory') && others.some((key) => keys.has(key));
};

/** What vm-bhyve reads: lines that begin with a small letter, up to a `#`, without any double quotes. */
export const linesOf = (text: string): readonly (Property & { readonly name: string })[] =>
  text.split(/\r?\n/).flatMap((line, index) => {
    const [, name, value] = /^([a-z][^=#]*)=([^#]*)/.exec(line) ?? [];
    return name === undefined || value === undefined
      ? []
      : [{ name, value: value.replaceAll('"', '').trimEnd(), line: index + 1 }];
  });
