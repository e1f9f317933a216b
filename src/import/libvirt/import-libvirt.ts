import type { Problem } from '../../base/problem.js';
import { failure, success, type Result } from '../../base/result.js';
import { listWords, shown } from '../../base/text.js';
import { refusalAt, type ImportContext, type Original, type OriginalText } from '../original.js';
import { parseXml, type XmlElement, type XmlFault } from '../xml.js';
import { bootOf, loaderOf } from './boot.js';
import { devicesOf } from './devices.js';
import { tell, textOf, type Domain } from './domain.js';
import { cpusOf, fieldsOf, memoryOf, machineOptionsOf, ownArguments, sysinfoOf } from './machine.js';

/** A domain of libvirt's bhyve driver: `virsh dumpxml NAME`. */
export function importLibvirt(source: OriginalText, context: ImportContext): Result<Original> {
  const parsed = parseXml(source.text);
  if (!parsed.ok) return failure([noXml(source, parsed.fault)]);
  const { root } = parsed;
  const wrong = whyNoDomain(root);
  if (wrong !== undefined)
    return failure([refusalAt(source, root.line, 'no-domain', wrong, 'print one with: virsh dumpxml NAME')]);
  const isArm = root.children.some(
    ({ name, children }) => name === 'os' && children.some(({ attributes }) => attributes.arch === 'aarch64'),
  );
  const seen = new Set([root]);
  const domain: Domain = { source, root, name: '', context, isArm, notes: [], seen };
  const name = context.vmName ?? textOf(domain, 'name') ?? source.stem ?? 'vm';
  const memory = memoryOf(domain);
  if (typeof memory !== 'number') return failure([memory]);
  const named = { ...domain, name };
  const boot = bootOf(named);
  const devices = devicesOf(named, boot.isFirmware);
  const own = ownArguments(named);
  const argv = [
    ...cpusOf(named),
    ...['-m', `${memory}M`],
    ...machineOptionsOf(named),
    ...boot.argv,
    ...devices.argv,
    ...sysinfoOf(named),
    ...own.map(({ word }) => word),
    name,
  ];
  const loader = boot.isFirmware ? undefined : loaderOf(named, { ...devices, memory });
  const fields = fieldsOf(named);
  noteUnseen(named);
  return success({
    argv,
    readFile: context.readFile,
    ...(isArm ? { arch: 'arm64' as const } : {}),
    ...(loader === undefined ? {} : { loader }),
    fields,
    cards: devices.cards,
    notes: domain.notes,
    tapsMade: devices.tapsMade,
    line: root.line,
    lineOf: (text) =>
      own.find(({ word }) => word === text)?.line ?? (text.includes('password') ? devices.screenLine : undefined),
  });
}

const noXml = ({ name }: OriginalText, { message, fix, ...at }: XmlFault): Problem => ({
  code: 'xml',
  severity: 'error',
  message,
  fix,
  place: { file: name, ...at, pointer: '' },
});

function whyNoDomain({ name, attributes }: XmlElement): string | undefined {
  if (name !== 'domain') return `this is a <${name}>, not a <domain>`;
  const { type } = attributes;
  return type === 'bhyve' ? undefined : `this is a domain of ${shown(type ?? 'no hypervisor')}, not of bhyve`;
}

const advice: Readonly<Record<string, string>> = {
  memtune: 'set limits in "hooks" with rctl(8)',
  blkiotune: 'set limits in "hooks" with rctl(8)',
  cputune: 'set limits in "hooks" with rctl(8)',
};

/** Elements that have no part in what bhyve is told. */
const idle = [
  'uuid',
  'alias',
  'address',
  'resource',
  'genid',
  'boot',
  'memballoon',
  'seclabel',
  'title',
  'description',
  'pae',
];

/** Tells every element that nobody looked at, without what is in it. */
function noteUnseen(domain: Domain): void {
  const unseen = (element: XmlElement): readonly XmlElement[] =>
    element.children.flatMap((child) =>
      idle.includes(child.name) ? [] : domain.seen.has(child) ? unseen(child) : [child],
    );
  for (const element of unseen(domain.root)) {
    const inside = element.children.map(({ name }) => name);
    const what = inside.length === 0 ? '' : ` with ${listWords([...new Set(inside)])}`;
    tell(
      domain,
      element,
      'element',
      `<${element.name}>${what} is not carried over: libvirt or vmrun has no equivalent of it for bhyve`,
      advice[element.name] ?? 'add to the spec by hand what the guest needs of it',
    );
  }
}
