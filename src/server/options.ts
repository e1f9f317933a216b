import type { Clock } from '../host/clock.js';
import type { RunTool } from '../host/process/tools.js';
import type { Accounts } from '../manager/accounts/accounts.js';
import type { CertificateFiles } from './certificate.js';
import type { Limits } from './limits.js';
import type { Route } from './route.js';

/** A server, before it listens. */
export interface ServerOptions {
  /** `unix:PATH`, `http://127.0.0.1:PORT`, `https://ADDRESS:PORT`; port 0 takes a free one. */
  readonly listen: readonly string[];
  readonly routes: readonly Route[];
  readonly accounts: Accounts;
  /** Of a VM, for the right to it; undefined: there is no such VM. */
  readonly groupOf: (vm: string) => string | undefined;
  /** Where a certificate of our own is kept: a folder of this user alone. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly run: RunTool;
  /** Default: one is made. */
  readonly tls?: CertificateFiles;
  /** Names that browsers may know this server by, beside its addresses and the host's name. */
  readonly hosts?: readonly string[];
  /** In front of every path, where a proxy hands us a part of its own: `/vmrun`. */
  readonly basePath?: string;
  /** Addresses or networks of proxies, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustedProxies?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Told of what is a fault of ours; the client gets a 500. */
  readonly onBug: (error: unknown) => void;
}
