import { count } from '../../../base/text.js';
import { finding, type Asked, type ProbeAnswer } from '../findings.js';
import type { HostView } from '../view.js';

/** Room for what is to be written; a file system that does not tell is taken to have it. */
export async function checkSpace(asked: readonly Asked<'space'>[], view: HostView): Promise<ProbeAnswer> {
  const findings = await Promise.all(
    asked.map(async (one) => {
      const { path, bytes } = one.need;
      const free = await view.freeBytes(path);
      if (free === undefined || free >= bytes) return [];
      return [
        finding(one, {
          code: 'no-space',
          message: `${count(free, 'byte')} are free where ${path} is to be made, a run writes up to ${bytes}`,
          fix: 'make room there, or use another folder with --run-dir',
        }),
      ];
    }),
  );
  return { findings: findings.flat() };
}
