import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { blocksOf } from '../support/blocks.js';
import { withApi } from './support.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/manager-api.md', import.meta.url)), 'utf8');
const blocks = blocksOf(page).filter(({ language }) => language === 'sh');
/** `--json` came with curl 7.82. */
const withCurl = spawnSync('curl', ['--json', '{}', '--version']).status === 0 ? test : test.skip;

describe('docs/manager-api.md', () => {
  withCurl('has commands that do what they are there for', async () => {
    await withApi({}, async ({ socketPath, url, token, place }) => {
      for (const { text } of blocks) {
        const script = text
          .replaceAll('/var/run/vmrun/manager.sock', socketPath)
          .replaceAll('https://vms.example.org:8443', url);
        // An answer that is an error is one here.
        const lines = ['curl() { command curl -sS --fail-with-body "$@"; }', script];
        const child = spawn('sh', ['-ec', lines.join('\n')], {
          env: { PATH: process.env.PATH, TOKEN: token, TMPDIR: place.folder },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (more: string) => (said += more));
        child.stderr.setEncoding('utf8').on('data', (more: string) => (said += more));
        await once(child, 'close');
        expect([text, child.exitCode, child.exitCode === 0 ? '' : said]).toEqual([text, 0, '']);
      }
    });
  });

  test('has such commands', () => {
    expect(blocks.length).toBeGreaterThan(3);
  });
});
