import { common } from './jest.config.js';

/** The long tests: many kills, boots, bytes, random machines. */
export default { ...common, testMatch: ['<rootDir>/test/soak/**/*.test.ts'], testTimeout: 1_800_000 };
