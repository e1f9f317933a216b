import type { Platform } from '../devices/device.js';
import type { Host } from '../host/host.js';
import type { StateFolder } from '../host/files/state-folder.js';
import type { RunOptions } from '../supervisor/run-options.js';
import type { Manager } from './manager.js';

/** What a manager is made of. All but its two folders has a default. */
export interface ManagerOptions {
  /** Folder of the specs, a file a VM; made where there is none. Absolute. */
  readonly specs: string;
  /** Folder of what is kept from one manager to the next, absolute; or one that is open, which stays open at the end. */
  readonly state: string | StateFolder;
  /** Folder of the run directories. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string;
  /**
   * UNIX socket by which others reach this manager; its runs tell it to who looks. Default: there is none, and they tell the
   * state folder, so that nobody signals this process to stop one of them.
   */
  readonly socket?: string;
  /** The machine to run on. Default: this one, `systemHost()`. */
  readonly host?: Host;
  /** The bhyve program, and words that go before its options. Default: `bhyve`. */
  readonly bhyve?: RunOptions['bhyve'];
  /** The same for bhyveload and grub-bhyve. */
  readonly loaders?: RunOptions['loaders'];
  /** Added to the environment of bhyve and its loader. */
  readonly env?: RunOptions['env'];
  /** Look whether the host can run a VM, before each boot. Default: true. */
  readonly check?: boolean;
  /** What commands are written for where a spec does not say. Default: those of this host. */
  readonly platform?: Partial<Platform>;
  /** Called when its VMs are known and before any of them is started: whoever serves it listens from then on. */
  readonly beforeStart?: (manager: Manager) => Promise<void>;
  /** How long `ready` may take where its spec does not say. Default: 2 minutes. */
  readonly readyTimeoutMs?: number;
}
