/** Tests run on the sources: TypeScript is stripped by esbuild, modules stay ES modules. */
export const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/(?!generated/).*)\\.js$': '$1',
    '^fast-check$': '<rootDir>/test/support/fast-check.mjs',
  },
  transform: { '\\.ts$': '<rootDir>/test/transform.mjs' },
  maxWorkers: '100%',
  // Modules of a suite are not freed: a large process takes long to fork, and hundreds of tests start others.
  workerIdleMemoryLimit: '200MB',
  // A test waits for things, never for time: only one that hangs takes this long, however busy the machine is. What it
  // has started is ended somewhat earlier (test/support/patience.ts).
  testTimeout: 120_000,
  reporters: ['default', '<rootDir>/test/count-reporter.mjs'],
};

export default {
  ...common,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['<rootDir>/test/soak/'],
  setupFilesAfterEnv: ['<rootDir>/test/support/after-hang.ts'],
};
