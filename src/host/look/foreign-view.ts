import type { ToolAnswer } from '../process/tool-answer.js';
import type { HostView } from './view.js';

/**
 * A view of a system without bhyve: files, sockets and ports are what they are anywhere; FreeBSD's tools are missing
 * there, or are others of the same name, so they are not asked.
 */
export function withoutTools(view: HostView): HostView {
  const refuse = (): Promise<ToolAnswer<never>> => Promise.resolve({ ok: false, error: `this is ${view.system}` });
  return { ...view, interfaces: refuse, cards: refuse, modules: refuse, sysctls: refuse };
}
