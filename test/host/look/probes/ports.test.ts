import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from '@jest/globals';
import { runTool } from '../../../../src/host/process/tools.js';
import { checkBoth } from '../../both-views.js';
import { requirement, sentences } from '../../fake-host.js';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Listens on a port that the kernel chooses. */
async function occupy(host: string): Promise<number> {
  const server = createServer();
  server.listen({ host, port: 0, ipv6Only: host.includes(':') });
  await once(server, 'listening');
  servers.push(server);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A port that was free a moment ago. */
async function freePort(host: string): Promise<number> {
  const port = await occupy(host);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

const listens = (host: string, port: number, subject = 'fbuf') =>
  requirement({ kind: 'tcp-port', host, port, use: 'VNC' }, { subject });
const said = async (...asked: ReturnType<typeof listens>[]) =>
  sentences((await checkBoth(asked, { run: runTool })).findings);

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ family }) => family === 'IPv6'),
);
const withIpv6 = hasIpv6 ? test : test.skip;

describe('a TCP port', () => {
  test('that is free is let go of again', async () => {
    const port = await freePort('127.0.0.1');
    expect(await said(listens('127.0.0.1', port))).toEqual([]);
    expect(await said(listens('', port))).toEqual([]);
  });

  test('in use on IPv4 is told', async () => {
    const port = await occupy('127.0.0.1');
    const sentence = `port-in-use: TCP port 127.0.0.1:${port} for VNC is in use`;
    expect(await said(listens('127.0.0.1', port))).toEqual([sentence]);
    expect(await said(listens('', port))).toEqual([sentence]);
  });

  withIpv6('in use on IPv6 is told (skipped where there is no IPv6)', async () => {
    const port = await occupy('::1');
    expect(await said(listens('::1', port))).toEqual([`port-in-use: TCP port [::1]:${port} for VNC is in use`]);
  });

  withIpv6('in use on IPv4 alone is free on IPv6 (skipped where there is no IPv6)', async () => {
    const port = await occupy('127.0.0.1');
    expect(await said(listens('::1', port))).toEqual([]);
  });

  test('of an address that this host does not have is told', async () => {
    expect(await said(listens('192.0.2.1', 5900))).toEqual([
      'port-address: 192.0.2.1, for VNC, is not an address of this host',
    ]);
  });

  test.each<[first: string, second: string]>([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
    ['', '127.0.0.1'],
  ])('that two devices listen on is told at the second: %s and %s', async (first, second) => {
    const port = await freePort('0.0.0.0');
    expect(await said(listens(first, port, 'the first'), listens(second, port))).toEqual([
      `port-twice: TCP port ${port} for VNC already serves VNC of the first`,
    ]);
  });
});
