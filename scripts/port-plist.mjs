// port/pkg-plist: what the port installs, told from what the npm package holds.
import { readdirSync } from 'node:fs';
import path from 'node:path';

const moduleFolder = 'lib/node_modules/vmrun';

/** A name that changes with each build: the port adds these itself. */
export const isHashed = (file) => /-[A-Z0-9]{8}\.js$/.test(file);

/** What the manager serves, and readers may want: it is in two places. */
const description = 'docs/openapi.json';

/** Where a file of the package is installed; undefined: nowhere. */
function placeOf(file) {
  if (isHashed(file)) return undefined;
  if (/^(bin|dist\/bin|schemas)\/|^package\.json$/.test(file)) return `${moduleFolder}/${file}`;
  const [, page, section] = /^man\/(.+\.(\d))$/.exec(file) ?? [];
  if (page !== undefined) return `share/man/man${section}/${page}.gz`;
  if (file.startsWith('examples/')) return `%%PORTEXAMPLES%%%%EXAMPLESDIR%%/${file.slice('examples/'.length)}`;
  if (file.startsWith('rc.d/')) return `etc/${file}`;
  return /^docs\/|^[A-Z]+\.md$/.test(file) ? `%%PORTDOCS%%%%DOCSDIR%%/${file}` : undefined;
}

/** What the port makes itself. */
const own = [
  'bin/bhyve-sim',
  'bin/vmrun',
  'etc/periodic/daily/450.vmrun',
  'libexec/vmrun-reopen-logs',
  'share/bash-completion/completions/vmrun',
  'share/fish/vendor_completions.d/vmrun.fish',
  'share/zsh/site-functions/_vmrun',
];

/**
 * V8 caches fit one Node.js only, so they are made where the package is installed, and go with it. vmrun works without.
 */
const rest = [
  '@sample etc/newsyslog.conf.d/vmrun.conf.sample',
  '@dir etc/vmrun',
  '@dir(root,wheel,750) /var/log/vmrun',
  `@postexec %D/${moduleFolder}/bin/compile-cache.js >/dev/null 2>&1 || true`,
  `@preunexec %D/${moduleFolder}/bin/compile-cache.js --remove >/dev/null 2>&1 || true`,
];

/** @param files of the package */
export function portPlist(files) {
  const installed = files.map(placeOf).filter((place) => place !== undefined);
  const again = files.includes(description) ? [`${moduleFolder}/${description}`] : [];
  return `${[...[...installed, ...again, ...own].sort(), ...rest].join('\n')}\n`;
}

/** The files of the package of which the port installs something, as they are in a checkout. */
export function portFiles(root) {
  const inFolder = (folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.cache') && !entry.name.endsWith('.new'))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
  const top = ['ARCHITECTURE.md', 'CHANGELOG.md', 'README.md', 'SECURITY.md', 'package.json'];
  return [...['bin', 'dist/bin', 'docs', 'examples', 'man', 'rc.d', 'schemas'].flatMap(inFolder), ...top];
}
