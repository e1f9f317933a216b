import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { description, withApi } from '../api/support.js';
import { ask } from '../support/served.js';

/** `pip install schemathesis`, in a place that is in PATH. */
const isInstalled = spawnSync('schemathesis', ['--version']).status === 0;
const withSchemathesis = isInstalled ? test : test.skip;
const why = isInstalled ? '' : ': it is not installed (pip install schemathesis)';

/** It never ends. */
const leftOut = ['listenToEvents'];

/** The account that it asks with is not removed or changed: nothing could be asked for after that. */
const hooks = `
import os
import schemathesis

@schemathesis.hook
def filter_case(context, case):
    parameters = case.path_parameters or {}
    return parameters.get("user") != "root" and parameters.get("id") != os.environ["OWN_TOKEN"]
`;

/** What fits its schema may be wrong by what it says: a spec, a group that there is not, an ETag of old. */
const configuration = `
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 403, 404, 409, 412, 422]

[[operations]]
include-operation-id = ["login", "changePassword"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 422]

# It is given headers that do not fit their schemas, and takes them for some that do.
[[operations]]
include-operation-id = ["putSpec"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, 409, 412, 422]
`;

withSchemathesis(`schemathesis finds nothing in a live server${why}`, async () => {
  await withApi({ specs: { web: {}, bad: { cpu: 'many' } } }, async ({ url, token, call, place, bugs }) => {
    const { json } = await call('GET /tokens');
    const { tokens } = json as { readonly tokens: readonly { readonly id: string }[] };
    const env = {
      ...process.env,
      SCHEMATHESIS_HOOKS: place.write('hooks.py', hooks),
      OWN_TOKEN: tokens[0]?.id ?? '',
    };
    const words = [
      ...['--config-file', place.write('schemathesis.toml', configuration)],
      ...['run', description, '--url', url, '--header', `Authorization: Bearer ${token}`],
      ...['--checks', 'all', '--max-examples', '20', '--seed', '1', '--no-color', '--continue-on-failure'],
      ...['--generation-database', 'none', '--suppress-health-check', 'all'],
      ...leftOut.flatMap((id) => ['--exclude-operation-id', id]),
    ];
    const child = spawn('schemathesis', words, { cwd: place.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => (said += more));
    child.stderr.setEncoding('utf8').on('data', (more: string) => (said += more));
    await once(child, 'close');
    expect(bugs).toEqual([]);
    expect([child.exitCode, child.exitCode === 0 ? '' : said]).toEqual([0, '']);
    // It goes on serving, those with the account as well.
    expect((await ask(`${url}/api/v1/users`, { token })).status).toBe(200);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
  });
});
