import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { frameBytes } from '../../../src/host/sinks/frames.js';
import { servePeers, type Peer } from '../../../src/host/sinks/peer-socket.js';
import { inPlace, until } from '../../e2e/support/place.js';

/** Who connects to a socket that takes so many, and whom it got. */
const withServer = (
  most: number,
  use: (come: () => Promise<Socket>, peers: readonly Peer[]) => Promise<void>,
): Promise<void> =>
  inPlace(async ({ path }) => {
    const peers: Peer[] = [];
    const sockets: Socket[] = [];
    const server = await servePeers(path('s'), most, (peer) => peers.push(peer));
    const come = async (): Promise<Socket> => {
      const socket = connect({ path: path('s'), allowHalfOpen: true });
      sockets.push(socket);
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    };
    try {
      await use(come, peers);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

describe('a peer at a socket', () => {
  test('is gone soon after the end, however much it goes on to say', () =>
    withServer(1, async (come, peers) => {
      const socket = await come();
      await until(() => peers.length === 1);
      const [peer] = peers;
      const heard: string[] = [];
      const hearing = (async () => {
        for await (const { kind } of peer?.frames ?? []) heard.push(kind);
      })();
      const talking = setInterval(() => socket.write(frameBytes('i', 'x')), 20);
      await until(() => heard.length > 0);
      peer?.end();
      await peer?.gone;
      clearInterval(talking);
      await hearing;
    }));

  test('is gone at once where it is dropped, and its place is free', () =>
    withServer(1, async (come, peers) => {
      const socket = await come();
      await until(() => peers.length === 1);
      const [peer] = peers;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const told = new Promise<string>((resolve) =>
        socket.once('data', (bytes: Buffer) => {
          resolve(bytes.toString('latin1', 0, 1));
        }),
      );
      void peer?.send('s');
      peer?.drop();
      await come();
      await until(() => peers.length === 2);
      await peer?.gone;
      expect(await told).toBe('s');
      socket.end();
      await closed;
    }));

  test('is not listened to where as many are connected as may be', () =>
    withServer(2, async (come, peers) => {
      await come();
      await come();
      await until(() => peers.length === 2);
      const third = await come();
      third.resume();
      await new Promise((resolve) => third.once('close', resolve).once('end', resolve));
      expect(peers).toHaveLength(2);
    }));
});
