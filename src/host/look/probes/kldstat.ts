/**
 * Reads `kldstat -v`: a line per file (`Id Refs Address Size Name (path)`), and below it, indented, a line per module
 * (`Id Name`). Other lines are passed over.
 * @returns modules, and files without `.ko`; undefined where no file is listed, since the kernel itself always is
 */
export function parseKldstat(text: string): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  let files = 0;
  for (const line of text.split('\n')) {
    const file = /^\s*\d+\s+\d+\s+0x[0-9a-f]+\s+\S+\s+(\S+)/i.exec(line)?.[1];
    const module = /^\s+\d+\s+(\S+)\s*$/.exec(line)?.[1];
    if (file !== undefined) {
      files += 1;
      names.add(file.replace(/\.ko$/, ''));
    } else if (module !== undefined) {
      names.add(module);
    }
  }
  return files === 0 ? undefined : names;
}
