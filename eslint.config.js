import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { roomsRule } from './scripts/lint-rooms.mjs';

/** What a manager is made of. */
const belowManager = [
  ...['base', 'devices', 'fields', 'spec', 'machine', 'graph'],
  ...['forecast', 'host', 'explain', 'supervisor', 'report'],
];

/** Which rooms of src/ a room may import from, besides itself: ARCHITECTURE.md. */
export const rooms = {
  base: [],
  ucl: ['base'],
  bhyve: ['base'],
  devices: ['base'],
  fields: ['base', 'devices'],
  spec: ['base', 'ucl', 'devices', 'fields'],
  machine: ['base', 'devices', 'fields', 'spec'],
  graph: ['base', 'devices', 'fields', 'spec', 'machine'],
  import: ['base', 'bhyve', 'devices', 'fields', 'spec', 'machine'],
  forecast: ['base', 'bhyve', 'devices', 'fields', 'spec', 'machine'],
  host: ['base', 'devices', 'fields', 'spec', 'machine'],
  explain: ['base', 'fields', 'spec', 'machine', 'host'],
  supervisor: ['base', 'devices', 'fields', 'spec', 'machine', 'host', 'explain'],
  simulator: ['base', 'bhyve'],
  report: ['base', 'devices', 'fields', 'spec', 'machine', 'graph', 'import', 'forecast', 'host', 'supervisor'],
  manager: belowManager,
  server: ['base', 'spec', 'host', 'manager'],
  'api/native': [...belowManager, 'manager', 'server'],
  cli: [...belowManager, 'bhyve', 'import', 'simulator', 'manager', 'server', 'api/native'],
};
rooms['index.ts'] = Object.keys(rooms).filter(
  (room) => !['cli', 'simulator', 'manager', 'server', 'api/native'].includes(room),
);

/** What is calculated there needs no process, file or clock: effects live in src/host. */
const pureRooms = [
  'base',
  'ucl',
  'bhyve',
  'devices',
  'fields',
  'spec',
  'machine',
  'graph',
  'import',
  'forecast',
  'explain',
  'supervisor',
  'report',
  'manager',
  'api/native',
];

/** What reads before src/host: a spec has to come from somewhere, and nothing reads without a limit. */
const readers = ['src/spec/read.ts', 'src/base/bounded-file.ts'];

const pureGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'process'].map((name) => ({
  name,
  message: 'time and the process are handed in by src/host or src/cli',
}));

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'src/**/generated/*.js']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.property.name=/^(push|unshift|max|min)$/] > SpreadElement',
          message: 'arguments are limited in number: use addAll, greatest or least of src/base/long-lists',
        },
      ],
    },
  },
  {
    files: [`src/{${pureRooms.join()}}/**/*.ts`],
    rules: {
      'no-restricted-globals': ['error', ...pureGlobals],
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'the clock is handed in' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { vmrun: { rules: { rooms: roomsRule({ root: import.meta.dirname, rooms, pure: pureRooms, readers }) } } },
    rules: { 'vmrun/rooms': 'error' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'URL', 'Buffer', 'performance', 'setTimeout'].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['bin/*.js', '**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { require: 'readonly', __dirname: 'readonly' } },
  },
  prettier,
);
