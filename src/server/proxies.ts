import { BlockList, isIP } from 'node:net';
import { ProblemsError } from '../base/problem.js';
import { plainAddress } from './addresses.js';

/** Proxies whose word about their clients is believed. */
export interface Proxies {
  readonly isTrusted: (address: string) => boolean;
  /** The client that a chain of proxies names: the last one that is no proxy of ours. */
  readonly clientOf: (peer: string, forwardedFor: string | undefined) => string;
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** @param addresses `127.0.0.1`, `10.0.0.0/8`. @throws ProblemsError for what is none */
export function trustedProxies(addresses: readonly string[]): Proxies {
  const list = new BlockList();
  for (const each of addresses) {
    const [address = '', digits] = each.split('/');
    const bits = Number(digits);
    const most = isIP(address) === 6 ? 128 : 32;
    if (isIP(address) === 0 || (digits !== undefined && !(/^\d+$/.test(digits) && bits <= most))) {
      const message = `${JSON.stringify(each)} is no address of a proxy`;
      const fix = 'write an address, or a network as 10.0.0.0/8';
      throw new ProblemsError('usage', each, [{ code: 'proxy', severity: 'error', message, fix }]);
    }
    if (digits === undefined) list.addAddress(address, family(address));
    else list.addSubnet(address, bits, family(address));
  }
  const isTrusted = (address: string): boolean => {
    const plain = plainAddress(address);
    return isIP(plain) !== 0 && list.check(plain, family(plain));
  };
  return {
    isTrusted,
    clientOf(peer, forwardedFor = '') {
      let client = peer;
      const chain = forwardedFor.split(',').map((part) => part.trim());
      for (let next = chain.pop(); isTrusted(client) && next !== undefined && isIP(next) !== 0; next = chain.pop())
        client = next;
      return client;
    },
  };
}
