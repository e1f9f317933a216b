import { readdirSync, readFileSync } from 'node:fs';
import { common } from './jest.config.js';

/** Property tests draw all of their cases here, and a part of them in `npm test`. */
process.env.SOAK = '1';

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
const drawing = tests.filter((name) => readFileSync(`test/${name}`, 'utf8').includes("from '../support/runs.js'"));

/** The long tests: many kills, boots, bytes, random machines. */
export default {
  ...common,
  testMatch: ['<rootDir>/test/soak/**/*.test.ts', ...drawing.map((name) => `<rootDir>/test/${name}`)],
  testTimeout: 1_800_000,
};
