import { expect, test } from '@jest/globals';
import { hostPlatform } from '../../../src/host/look/system-names.js';

test.each<[system: string, release: string, arch: string, platform: object]>([
  ['freebsd', '15.0-RELEASE-p2', 'x64', { release: 15, arch: 'amd64' }],
  ['freebsd', '14.3-STABLE', 'x64', { release: 14, arch: 'amd64' }],
  ['freebsd', '16.0-CURRENT', 'arm64', { release: 16, arch: 'arm64' }],
  ['freebsd', '13.5-RELEASE', 'x64', { release: 14, arch: 'amd64' }],
  ['freebsd', '17.0-CURRENT', 'x64', { release: 16, arch: 'amd64' }],
  ['linux', '6.1.0', 'x64', {}],
])('a command for %s %s on %s is written for %j', (system, release, arch, platform) => {
  expect(hostPlatform({ system, release, arch })).toEqual(platform);
});
