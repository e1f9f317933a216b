import type { Platform } from '../../devices/device.js';
import type { Clock } from '../../host/clock.js';
import type { RunTool } from '../../host/process/tools.js';
import type { Programs } from '../../machine/loader.js';
import type { Accounts } from '../../manager/accounts/accounts.js';
import type { Manager } from '../../manager/manager.js';
import type { PlanRequest } from '../../report/plan-report.js';
import type { DraftRequest } from './draft.js';

/** What the native API speaks for. */
export interface NativeSite {
  readonly manager: Manager;
  readonly accounts: Accounts;
  readonly clock: Clock;
  /** ps(1), netstat(1), and what looks at the host. */
  readonly run: RunTool;
  /** Of vmrun. */
  readonly version: string;
  /** Of this process. */
  readonly pid: number;
  /** What may be asked for here and not from every manager. */
  readonly features: readonly string[];
  /** `docs/openapi.json`, as text. */
  readonly description: () => string;
  /** Plans a spec that somebody sends. @returns a DraftDocument, as JSON. @throws HttpError where it would take too much */
  readonly planDraft: (request: DraftRequest, signal: AbortSignal) => Promise<string>;
  /** For plans and checks. */
  readonly programs: Programs;
  readonly hostBhyve: Partial<Platform>;
  readonly runBase: PlanRequest['runBase'];
  /** Bhyve runs here, or what plays it. */
  readonly hasBhyve: boolean;
}
