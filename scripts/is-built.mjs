// Says by its status whether dist/ is what a build would make now: 0, or 1 where something has changed since, another
// Node.js made it, or a build did not come to its end.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stampFile, stampText } from './build-stamp.mjs';

const root = process.argv[2] ?? path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** What a build reads, or writes beside dist/. Folders count, too: a file that was removed leaves no other mark. */
const parts = [
  ...['src', 'scripts', 'bin', 'docs', 'schemas', 'man', 'examples', 'port'],
  ...['package.json', 'package-lock.json', 'node_modules/.package-lock.json'],
];

function newest(file) {
  const seen = statSync(file, { throwIfNoEntry: false });
  if (seen === undefined) return Infinity;
  const inside = seen.isDirectory() ? readdirSync(file).filter((name) => !name.endsWith('.cache')) : [];
  return Math.max(seen.mtimeMs, ...inside.map((name) => newest(path.join(file, name))));
}

function isBuilt() {
  try {
    const file = stampFile(root);
    if (readFileSync(file, 'utf8') !== stampText) return false;
    return Math.max(...parts.map((part) => newest(path.join(root, part)))) <= statSync(file).mtimeMs;
  } catch {
    return false;
  }
}

process.exitCode = isBuilt() ? 0 : 1;
