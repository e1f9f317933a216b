import { unreachable } from '../../../base/unreachable.js';
import { finding, notCaptured, type Asked, type HostFinding, type ProbeAnswer } from '../findings.js';
import type { HostView } from '../view.js';

/** The user's programs: there, and to be run by this user. Nothing is run. */
export async function checkPrograms(asked: readonly Asked<'program'>[], view: HostView): Promise<ProbeAnswer> {
  return { findings: (await Promise.all(asked.map((one) => judge(one, view)))).flat() };
}

async function judge(one: Asked<'program'>, view: HostView): Promise<readonly HostFinding[]> {
  const { program, use, isVital, isOfBhyve = false, whenMissing } = one.need;
  if (isOfBhyve && view.system !== 'freebsd') return [];
  const seen = await view.program(program);
  switch (seen.kind) {
    case 'there':
      return [];
    case 'not-captured':
      // Which folders are in PATH there nobody has asked.
      return program.includes('/') ? [notCaptured(one, program)] : [];
    case 'refused':
      return [
        finding(one, {
          code: `program-${seen.reason}`,
          severity: isVital ? 'error' : 'warning',
          message: `${use} cannot be run: ${seen.why}`,
          fix: seen.reason === 'missing' && whenMissing !== undefined ? whenMissing : fixes[seen.reason],
        }),
      ];
    default:
      return unreachable(seen);
  }
}

const fixes = {
  missing: 'correct the path, or install the program',
  refused: 'let this user run it: chmod +x',
  'no-interpreter': 'correct its first line, or install what it names; lines must end with LF alone',
} as const;
