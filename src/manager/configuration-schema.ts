import { duration } from '../fields/durations.js';
import { file, text, type JsonSchema } from '../devices/json-schema.js';
import { object } from '../fields/schemas.js';

/** What the file says, defaults not applied. Keys are those of the file. */
export interface ConfigurationFields {
  readonly specs?: string;
  readonly state?: string;
  readonly run_dir?: string;
  readonly bhyve?: string;
  readonly listen?: readonly string[];
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly hosts?: readonly string[];
  readonly base_path?: string;
  readonly trusted_proxies?: readonly string[];
  readonly initial_password_file?: string;
  readonly stop_budget?: string | number;
}

export const stopBudgetDefault = '80s';

const properties: Readonly<Record<keyof ConfigurationFields | '$schema', JsonSchema>> = {
  $schema: { type: 'string', description: 'The schema for editors; vmrun ignores it.' },
  specs: file(
    'Folder of the specs, a file for each VM. Default: /usr/local/etc/vmrun; of another user than root, vmrun in $XDG_CONFIG_HOME or ~/.config.',
    { examples: ['/usr/local/etc/vmrun'] },
  ),
  state: file(
    'Folder of what the manager keeps: what is wanted of each VM, specs made by an API, accounts. Default: /var/db/vmrun; of another user, vmrun in $XDG_STATE_HOME or ~/.local/state.',
    { examples: ['/var/db/vmrun'] },
  ),
  run_dir: file('Folder of the run directories. Default: /var/run/vmrun, or as for vmrun -c.', {
    examples: ['/var/run/vmrun'],
  }),
  bhyve: text('Another bhyve program. Default: $BHYVE_EXEC or bhyve.', { examples: ['/usr/sbin/bhyve'] }),
  listen: {
    type: 'array',
    description:
      'Where the API is served: unix: and an absolute path, http:// on a loopback address, https:// on any; port 0 takes a free one. Default: unix: and manager.sock in the folder of the run directories.',
    minItems: 1,
    maxItems: 20,
    items: text('An address.', {
      pattern: '^(unix:/[^\\u0000-\\u001f\\u007f]+|https?://[^\\s/]+/?)$',
      patternErrorMessage:
        'an address such as "unix:/var/run/vmrun/manager.sock", whose path is absolute, or "https://0.0.0.0:8443"',
    }),
    examples: [['unix:/var/run/vmrun/manager.sock', 'https://0.0.0.0:8443']],
  },
  tls: {
    ...object({
      properties: {
        certificate: file('Certificate with its chain, PEM.', { examples: ['/usr/local/etc/ssl/vmrun.pem'] }),
        key: file('Its private key, PEM, which nobody else may read.', { examples: ['/usr/local/etc/ssl/vmrun.key'] }),
      },
      required: ['certificate', 'key'],
    }),
    description: 'For https. Default: a certificate is made at the first start, and its fingerprint is told.',
    examples: [{ certificate: '/usr/local/etc/ssl/vmrun.pem', key: '/usr/local/etc/ssl/vmrun.key' }],
  },
  hosts: {
    type: 'array',
    description: 'Names that browsers know this server by, beside its addresses and the name of the host.',
    maxItems: 100,
    items: text('A name.', { pattern: '^[A-Za-z0-9.-]{1,253}$', patternErrorMessage: 'the name of a host' }),
    examples: [['vms.example.org']],
  },
  base_path: text('In front of every path, where a proxy hands on a part of its own.', {
    pattern: '^(/[A-Za-z0-9._~-]+)+$',
    patternErrorMessage: 'a path such as "/vmrun", without a slash at its end',
    examples: ['/vmrun'],
  }),
  trusted_proxies: {
    type: 'array',
    description: 'Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.',
    maxItems: 100,
    items: text('An address or a network.', {
      pattern: '^[0-9A-Fa-f.:]{2,45}(/\\d{1,3})?$',
      patternErrorMessage: 'an address or a network, e.g. "127.0.0.1" or "10.0.0.0/24"',
    }),
    examples: [['127.0.0.1']],
  },
  initial_password_file: file(
    "Where root's password is at the first start, mode 0600; where there is no such file, one is made up and written to it. Default: initial-password in the state folder.",
    { examples: ['/var/db/vmrun/initial-password'] },
  ),
  stop_budget: duration(
    'How long all VMs together may take to power off when the manager is stopped. Below rcshutdown_timeout of rc.conf(5), which is 90 s.',
    stopBudgetDefault,
  ),
};

/** The schema of the manager's configuration. */
export const configurationSchema = {
  ...object({
    title: 'vmrun manager',
    description: 'The configuration of vmrun serve. Everything has a default.',
    properties,
    examples: [{ specs: '/usr/local/etc/vmrun', listen: ['unix:/var/run/vmrun/manager.sock'] }],
  }),
  $defs: {},
} satisfies JsonSchema & { readonly $defs: Readonly<Record<string, JsonSchema>> };
