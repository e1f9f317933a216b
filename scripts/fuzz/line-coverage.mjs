// Which lines of the sources a bundle has run, of what V8 tells about the bundle (NODE_V8_COVERAGE) and its source map.
import { readFileSync, readdirSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Offsets of a text that have run, one flag each: V8 gives ranges, the inner ones after those that they are in. */
function reached(text, folder, url) {
  const all = new Uint8Array(text.length);
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
    const once = new Uint8Array(text.length);
    for (const { functions } of result.filter((one) => one.url === url))
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges) once.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    for (let at = 0; at < once.length; at += 1) all[at] |= once[at];
  }
  return all;
}

/** Prints a table of the sources in `src`, those with the fewest lines reached first, and which lines were not. */
export function lineCoverage(script, folder, root) {
  const text = readFileSync(script, 'utf8');
  const map = new SourceMap(JSON.parse(readFileSync(`${script}.map`, 'utf8')));
  const hasRun = reached(text, folder, pathToFileURL(script).href);
  const files = new Map();
  let offset = 0;
  for (const [line, words] of text.split('\n').entries()) {
    for (const { index: column } of words.matchAll(/\w+|[^\w\s]/g)) {
      const { originalSource, originalLine, originalColumn } = map.findEntry(line, column);
      if (originalSource === undefined || originalColumn === undefined) continue;
      const file = path.relative(root, path.resolve(path.dirname(script), originalSource));
      if (!file.startsWith('src/') || file.includes('/generated/')) continue;
      const lines = files.get(file) ?? files.set(file, new Map()).get(file);
      // A line is reached where no part of it was left out.
      lines.set(originalLine + 1, (lines.get(originalLine + 1) ?? 1) & hasRun[offset + column]);
    }
    offset += words.length + 1;
  }
  const rows = [...files].map(([file, lines]) => {
    const missed = [...lines].filter(([, isReached]) => isReached === 0).map(([line]) => line);
    return { file, count: lines.size, missed, percent: (100 * (lines.size - missed.length)) / lines.size };
  });
  for (const { file, count, missed, percent } of rows.sort((a, b) => a.percent - b.percent))
    console.log(
      `${file.padEnd(48)} ${String(count).padStart(5)} ${percent.toFixed(1).padStart(6)} %  ${missed.join(' ')}`,
    );
}
