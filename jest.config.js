/** Tests run on the sources: TypeScript is stripped by esbuild, modules stay ES modules. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/(?!generated/).*)\\.js$': '$1' },
  transform: { '\\.ts$': '<rootDir>/test/transform.mjs' },
  testTimeout: 30_000,
  setupFiles: ['<rootDir>/test/setup.mjs'],
  reporters: ['default', '<rootDir>/test/count-reporter.mjs'],
};
