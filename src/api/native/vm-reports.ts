import { ProblemsError } from '../../base/problem.js';
import { captureFacts, type HostFacts } from '../../host/look/facts.js';
import { liveView } from '../../host/look/live-view.js';
import { drawGraph, graphFormats } from '../../graph/draw.js';
import type { Machine } from '../../machine/machine.js';
import { plan } from '../../machine/plan.js';
import { checkDocument } from '../../report/check-document.js';
import { checkReport } from '../../report/check-report.js';
import { chosenTargets } from '../../report/chosen-targets.js';
import { graphReport, pictures } from '../../report/graph-report.js';
import type { LoadedWithLock } from '../../report/load-with-lock.js';
import { lockFileFor } from '../../report/lock-file.js';
import { planDocument } from '../../report/plan-document.js';
import { planReport } from '../../report/plan-report.js';
import type { Spec, SpecFormat } from '../../spec/parse-spec.js';
import { HttpError } from '../../server/http-error.js';
import { defaultTarget } from '../../spec/targets.js';
import type { Answer, Asked } from '../../server/route.js';
import type { ChangesDocument, LogDocument, WhyDocument } from './documents.js';
import { workingDirectory } from './draft.js';
import type { NativeSite } from './site.js';
import { vmOf } from './visible.js';

/** The spec of the next boot, with its lock file. */
async function loadedOf({ manager }: NativeSite, name: string): Promise<LoadedWithLock> {
  const spec = acceptedOf(manager, name);
  const file = manager.vm(name)?.spec.file;
  const locked = file === undefined ? undefined : await lockFileFor({ config: file }, { workingDirectory });
  return { spec, warnings: [], locked };
}

/** @throws HttpError 409 where there is none: what is wrong is in the file, not in the request */
function acceptedOf(manager: NativeSite['manager'], name: string): Spec {
  try {
    return manager.accepted(name);
  } catch (error) {
    if (error instanceof ProblemsError && error.kind === 'spec') throw new HttpError(409, error.problems);
    throw error;
  }
}

const nameIn = ({ params: { name = '' } }: Asked): string => name;

export async function planVm(site: NativeSite, asked: Asked): Promise<Answer> {
  const loaded = await loadedOf(site, nameIn(asked));
  const { target, explain } = asked.query;
  const names = chosenTargets(loaded.spec, { target });
  return { document: planDocument(planReport(loaded, names, { ...site, isExplained: explain === 'true' })) };
}

export async function checkVm(site: NativeSite, asked: Asked): Promise<Answer> {
  const loaded = await loadedOf(site, nameIn(asked));
  const names = chosenTargets(loaded.spec, { target: asked.query.target });
  const { hostBhyve, runBase, hasBhyve } = site;
  const report = await checkReport(loaded, names, { hostBhyve, runBase, hasBhyve, workingDirectory });
  return { document: checkDocument(report) };
}

export async function graphVm(site: NativeSite, asked: Asked): Promise<Answer> {
  const loaded = await loadedOf(site, nameIn(asked));
  const { query, preferred } = asked;
  const [target = defaultTarget] = chosenTargets(loaded.spec, { target: query.target });
  const what = pictures.find((each) => each === query.what) ?? 'both';
  const picture = graphReport(loaded, target, what, site.hostBhyve);
  const liked = preferred(['application/json', 'image/svg+xml']) === 'image/svg+xml' ? 'svg' : 'json';
  const format = graphFormats.find((each) => each === (query.format ?? liked));
  if (format === undefined) return { document: picture };
  const type = format === 'svg' ? 'image/svg+xml' : 'text/plain; charset=utf-8';
  // A picture may colour itself, and nothing else.
  const policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
  return {
    text: { type, content: drawGraph(picture, format) },
    headers: { 'content-security-policy': policy, vary: 'accept' },
  };
}

export function changesOfVm(site: NativeSite, asked: Asked): Answer {
  const { name, spec } = vmOf(site, nameIn(asked));
  const { isChanged, changes, guestChanges: guest, problems } = spec;
  const document: ChangesDocument = { name, isChanged, changes, guest, problems };
  return { document };
}

export function whyVm(site: NativeSite, asked: Asked): Answer {
  const { name, state, waitsFor = [], why, last, problems = [], degraded = {} } = vmOf(site, nameIn(asked));
  const document: WhyDocument = {
    ...{ name, state, waitsFor, problems, degraded },
    ...(why === undefined ? {} : { why }),
    ...(last === undefined ? {} : { last }),
  };
  return { document };
}

export function logVm({ manager }: NativeSite, asked: Asked): Answer {
  const name = nameIn(asked);
  const lines = manager.log(name);
  const { lines: most } = asked.query;
  const document: LogDocument = {
    name,
    lines: most === undefined ? lines : lines.slice(Math.max(0, lines.length - Number(most))),
  };
  return { document };
}

const formats: Readonly<Record<string, SpecFormat>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/ucl': 'ucl',
};

/** What is wrong with a draft is no error of the request. */
export async function planSpec({ planDraft, ...site }: NativeSite, { text, type, signal }: Asked): Promise<Answer> {
  const { programs, hostBhyve, runBase } = site;
  const content = await planDraft({ text, format: formats[type] ?? 'json', programs, hostBhyve, runBase }, signal);
  return { text: { type: 'application/json', content: `${content}\n` } };
}

/** The host, without the paths that only specs name. */
export async function hostFacts({ run }: NativeSite): Promise<HostFacts> {
  return captureFacts(liveView({ run }), { paths: [], sockets: [], ports: [] });
}

/** The machine of the target that runs, by the spec of the next boot; undefined where there is none. */
export function machineOf(site: NativeSite, name: string, target: string): Machine | undefined {
  try {
    const planned = plan(site.manager.accepted(name), target, site.hostBhyve);
    return planned.ok ? planned.value : undefined;
  } catch (error) {
    if (error instanceof ProblemsError) return undefined;
    throw error;
  }
}
