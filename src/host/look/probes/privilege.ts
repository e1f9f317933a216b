import type { Release } from '../../../devices/device.js';
import { describeSystemError } from '../../errno.js';
import { finding, notCaptured, type Asked, type ProbeAnswer, type Said } from '../findings.js';
import type { FileView, HostView } from '../view.js';

/** Who may write to it may make virtual machines: vmm(4), from FreeBSD 15 on. */
export const vmmControl = '/dev/vmmctl';

/** Whether this user may make virtual machines. Nothing is said of a system that is no FreeBSD, or has no users. */
export async function checkPrivilege(asked: readonly Asked<'privilege'>[], view: HostView): Promise<ProbeAnswer> {
  const { system, uid } = view;
  if (asked.length === 0 || system !== 'freebsd' || uid === undefined || uid === 0) return { findings: [] };
  const { release } = view.platform;
  if (release === undefined || release < 15) {
    return { findings: asked.map((one) => finding(one, notAllowed(uid, release))) };
  }
  const seen = await view.file(vmmControl);
  if (seen.kind === 'not-captured') return { findings: asked.map((one) => notCaptured(one, vmmControl)) };
  const reason = whyNot(seen);
  return {
    findings: asked.flatMap((one) => {
      if (reason !== undefined) return [finding(one, notAllowed(uid, release, reason))];
      return release < 16 || one.need.isMonitored ? [] : [finding(one, needsMonitor(uid))];
    }),
  };
}

function whyNot(seen: Exclude<FileView, { readonly kind: 'not-captured' }>): string | undefined {
  if (seen.kind === 'missing') return 'does not exist';
  const error = seen.kind === 'hidden' ? seen.error : seen.denied.write;
  return error === undefined ? undefined : `cannot be written: ${describeSystemError(error)}`;
}

function notAllowed(uid: number, release: Release | undefined, reason?: string): Said {
  const monitor = release === 16 ? ', and set "monitor": true' : '';
  return {
    code: 'privilege',
    message: `user ${uid} may not make virtual machines${reason === undefined ? '' : `: ${vmmControl} ${reason}`}`,
    fix: reason === undefined ? 'run vmrun as root' : `run vmrun as root, or join the group vmm${monitor}`,
  };
}

const needsMonitor = (uid: number): Said => ({
  code: 'privilege-monitor',
  message: `user ${uid} may make virtual machines in bhyve's monitor mode only, since it is not root`,
  fix: 'set "monitor": true, or run vmrun as root',
});
