import { durationPattern } from '../../base/duration.js';
import { durationWords } from '../../fields/durations.js';
import { groupPattern, groupWords, roles } from '../../manager/accounts/grants.js';
import { userPattern, userWords } from '../../manager/accounts/accounts.js';
import { longestPassword, shortestPassword } from '../../manager/accounts/passwords.js';
import type { Schema } from '../../server/route.js';

interface ObjectSchema extends Schema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

const object = (properties: Readonly<Record<string, Schema>>, ...required: readonly string[]): ObjectSchema => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
  additionalProperties: false,
});

const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more });

const targetName = text('A target of the spec.', { minLength: 1, maxLength: 255 });
const timePattern = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2})$';

const timeout: Schema = {
  type: ['string', 'number'],
  description:
    'How long the guest may take to power off: seconds, or text with a unit. Default: `stop_timeout` of its spec.',
  pattern: durationPattern,
  patternErrorMessage: durationWords,
  minimum: 0,
  maximum: 86_400,
  examples: ['90s', 90],
};
const now: Schema = { type: 'boolean', description: 'Do not wait for the guest.' };

const userName = text('Name of a user.', { pattern: userPattern, patternErrorMessage: userWords });
const password = text('A password.', { minLength: shortestPassword, maxLength: longestPassword });
/** What somebody types who may be wrong. */
const anyPassword = text('A password.', { maxLength: longestPassword });
const group = text('Path in the tree of groups.', {
  pattern: groupPattern,
  patternErrorMessage: groupWords,
  examples: ['root/web'],
});
const grants: Schema = {
  type: 'array',
  description: 'Roles on groups, and on all that is below these.',
  maxItems: 100,
  items: object(
    { group, role: { type: 'string', enum: roles, description: 'What may be done there.' } },
    'group',
    'role',
  ),
};

const wait = text('Answer when the operation has ended, or after this time: `30s`; at most ten minutes count.', {
  pattern: durationPattern,
  patternErrorMessage: 'a time with its unit, e.g. "30s" or "2min"',
  examples: ['30s'],
});
const target = targetName;

/** What requests hold, by the id of their route and where it is: the build compiles each. */
export const requestSchemas = {
  deleteVmQuery: object({
    disks: text('What becomes of the disks: they stay.', { enum: ['keep'] }),
  }),
  planVmQuery: object({ target, explain: text('Say where each argument comes from.', { enum: ['true', 'false'] }) }),
  checkVmQuery: object({ target }),
  graphVmQuery: object({
    target,
    what: text('What is drawn. Default: both.', { enum: ['both', 'boots', 'machine'] }),
    format: text('Default: what `Accept` prefers of JSON and SVG.', {
      enum: ['json', 'svg', 'text', 'mermaid', 'dot'],
    }),
  }),
  logVmQuery: object({
    lines: text('At most so many.', {
      pattern: '^[0-9]{1,6}$',
      patternErrorMessage: 'a number of at most 6 digits',
      examples: ['100'],
    }),
  }),
  operateQuery: object({ wait }),
  startVmBody: object({ target }),
  stopVmBody: object({ now, timeout }),
  restartVmBody: object({ target, now, timeout }),
  setGroupBody: object({ group }, 'group'),
  eventsQuery: object({ vm: text('Events of this VM alone.', { minLength: 1, maxLength: 255 }) }),
  loginBody: object({ name: text('Name of a user.', { maxLength: 64 }), password: anyPassword }, 'name', 'password'),
  changePasswordBody: object({ current: anyPassword, password }, 'current', 'password'),
  addUserBody: object({ name: userName, password, grants }, 'name', 'password', 'grants'),
  changeUserBody: object({ password, grants }),
  listTokensQuery: object({ user: text('Of this user alone.', { maxLength: 64 }) }),
  addTokenBody: object(
    {
      name: text('What it is for.', { minLength: 1, maxLength: 100 }),
      ends: text('When it ends: RFC 3339. Default: in 90 days.', {
        pattern: timePattern,
        patternErrorMessage: 'a time with its zone, e.g. "2030-01-01T00:00:00Z"',
        examples: ['2030-01-01T00:00:00Z'],
      }),
      grants: { ...grants, description: 'No wider than those of its owner. Default: all that the owner has.' },
      user: { ...userName, description: 'Whose it is to be: for admins of the root group. Default: who asks.' },
    },
    'name',
  ),
  addGroupBody: object({ path: group }, 'path'),
} as const satisfies Readonly<Record<string, ObjectSchema>>;
