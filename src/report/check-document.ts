import type { Place, Problem, ProblemsError } from '../base/problem.js';
import type { Arch, Release } from '../devices/device.js';
import { commandOf } from '../host/look/findings.js';
import { isReadyReport, type CheckReport } from './check-report.js';

/** What `vmrun check --json` prints: one object. Keys may be added to it, none changes its meaning. */
export interface CheckDocument {
  /** Of the VM; absent where the spec could not be read. */
  readonly name?: string;
  /** The file of the spec. */
  readonly source: string;
  /** Every target that was looked at can be booted. */
  readonly ready: boolean;
  /** What is to be said of the spec itself; with an error among it, no target was looked at. */
  readonly problems: readonly ProblemDocument[];
  /** Those that were looked at. */
  readonly targets: readonly {
    /** Its name. */
    readonly target: string;
    /** A run would start bhyve now, after what the spec lets it fix. */
    readonly ready: boolean;
    /** What stands between the host and it. */
    readonly problems: readonly FindingDocument[];
  }[];
  /** Which host was looked at; absent: none. */
  readonly host?: {
    /** freebsd, linux, … */
    readonly system: string;
    readonly release?: Release;
    readonly arch?: Arch;
    /** When it was captured: ISO 8601; absent where it is this one, now. */
    readonly captured?: string;
  };
}

/** A problem for programs. */
export type ProblemDocument = Pick<Problem, 'code' | 'severity' | 'message' | 'fix' | 'subject'> & {
  readonly place?: Place;
};

/** What stands between a host and a target. */
export interface FindingDocument extends ProblemDocument {
  /** What vmrun can do about it; absent where it can do nothing. */
  readonly mend?: { readonly command: string; readonly automatic: true };
}

/** A check for programs. */
export function checkDocument(report: CheckReport): CheckDocument {
  const { name, source, warnings, targets, host } = report;
  return {
    name,
    source,
    ready: isReadyReport(report),
    problems: warnings.map(problemDocument),
    targets: targets.map(({ target, isReady, findings }) => ({
      target,
      ready: isReady,
      problems: findings.map(({ problem, fix }) => ({
        ...problemDocument(problem),
        ...(fix === undefined ? {} : { mend: { command: commandOf(fix.action), automatic: true as const } }),
      })),
    })),
    host: {
      system: host.system,
      ...(host.release === undefined ? {} : { release: host.release }),
      ...(host.arch === undefined ? {} : { arch: host.arch }),
      ...(host.captured === undefined ? {} : { captured: host.captured }),
    },
  };
}

/** The same where a file is not good, so that no host was looked at. */
export const refusalDocument = ({ source, problems }: ProblemsError): CheckDocument => ({
  source,
  ready: false,
  problems: problems.map(problemDocument),
  targets: [],
});

const problemDocument = ({ code, severity, message, fix, subject, place }: Problem): ProblemDocument => ({
  code,
  severity,
  message,
  ...(fix === undefined ? {} : { fix }),
  ...(subject === undefined ? {} : { subject }),
  ...(place === undefined ? {} : { place }),
});
