import { addAll } from '../../base/long-lists.js';
import { shown } from '../../base/text.js';
import { noteAt } from '../original.js';
import type { SpecObject, SpecValue } from '../spec-object.js';
import { inGuest, type Guest } from './guest.js';
import { numbered } from './loader.js';
import { isSetting, nearestSetting } from './names.js';

/** What vm-bhyve does around bhyve. */
export function fieldsOf(guest: Guest): SpecObject {
  const { properties, source, notes, name, context } = guest;
  const fields: Record<string, SpecValue> = {};
  const restarts = properties.get('on_restart', 'restart') === 'restart';
  const restartsOnFault = properties.get('on_fault') === 'restart';
  if (!restarts || restartsOnFault) {
    fields.reboot_on = [
      ...(restarts ? ['reboot'] : []),
      ...(restartsOnFault ? ['triple_fault', 'error', 'signal'] : []),
    ];
  }
  for (const key of ['on_restart', 'on_fault']) {
    const value = properties.get(key, 'restart');
    if (/^(restart|shutdown|destroy)$/.test(value)) continue;
    const message = `${key} is ${shown(value)}, and vm-bhyve starts the guest again only for restart`;
    notes.push(noteAt(source, properties.line(key), key.replace('_', '-'), message));
  }
  const script = properties.get('prestart');
  if (script !== '') {
    const file = script.startsWith('/') ? script : inGuest(source, script);
    const dataset = context.dataset === undefined ? [] : [`${context.dataset}/${name}`];
    fields.hooks = { pre_start: [file, name, ...dataset] };
    const message = 'prestart: vm-bhyve runs it in the folder of the guest, with the name and the dataset of the guest';
    notes.push(
      noteAt(
        source,
        properties.line('prestart'),
        'prestart',
        message,
        'check that it does not need that folder, nor words it is not given',
      ),
    );
  }
  return fields;
}

/** A setting of one of several alike, which vm-bhyve counts. */
const numberedName = /^(disk|network|passthru|virt_console|grub_run)(\d+)(?:_(?:name|type|options))?$/;

/**
 * What has no place in a spec, with what to do about it.
 * @param loader whose settings were read; undefined: none is carried, which has been told
 */
export function noteOthers({ source, properties, notes }: Guest, loader: string | undefined): void {
  const limits = ['limit_pcpu', 'limit_rbps', 'limit_wbps', 'limit_riops', 'limit_wiops'];
  const unread = [...numbered(properties, 'grub_install')];
  addAll(notes, [
    ...properties.note(
      'priority',
      'priority',
      (value) => `priority ${value} is not carried over: vmrun does not change it`,
      'start vmrun by nice(1): bhyve inherits it',
    ),
    ...properties.note(
      'tags',
      'tags',
      (value) => `tags ${value} is not carried over: vm-bhyve lists guests by it`,
      'keep it in a field of your own, such as "x-tags"',
    ),
    ...limits.flatMap((key) =>
      properties.note(
        key,
        'limits',
        (value) => `${key} ${value} is not carried over: vmrun sets no limits`,
        'set them in "hooks" with rctl(8)',
      ),
    ),
    ...(properties.isYes('debug')
      ? [
          noteAt(
            source,
            properties.line('debug'),
            'debug',
            'debug is not carried over: vmrun shows what bhyve says',
            'write it to a file with: vmrun --log FILE',
          ),
        ]
      : []),
    ...(unread.length > 0
      ? [
          noteAt(
            source,
            properties.line('grub_install0'),
            'install',
            'grub_install is not carried over: it is for an installation',
            'say it as a target of the spec',
          ),
        ]
      : []),
  ]);
  // What is of use for installing or making a guest only, or belongs to another loader.
  properties.ignore(/^(install_slot|zfs_dataset_opts|zfs_zvol_opts|disk\d+_size|arch|template)$/);
  properties.ignore(/^(sound_play|sound_rec|graphics_\w+|vnc_password|uefi|guest|nulliso_fix)$/);
  if (loader !== 'grub') properties.ignore(/^grub_(run|install)\w*$/);
  if (loader !== 'bhyveload') properties.ignore(/^bhyveload_\w+$/);
  properties.ignore(/^(loader_timeout|uefi_vars|ignore_msr|ignore_bad_msr)$/);
  for (const { name, line } of properties.unread()) {
    const [, list = '', number = '0'] = numberedName.exec(name) ?? [];
    if (Number(number) > 0) {
      const message = `${name} is not carried over: vm-bhyve counts from ${list}0 on, and stops where one is not set`;
      notes.push(noteAt(source, line, 'gap', message, 'number them without a gap if the guest is to have it'));
      continue;
    }
    const near = nearestSetting(name);
    const [why, fix] = isSetting(name)
      ? ['vm-bhyve does not use it here', 'take it out, or look for what it needs beside it']
      : ['vm-bhyve has no such setting', near === undefined ? 'take it out' : `did you mean "${near}"?`];
    notes.push(noteAt(source, line, 'unknown', `${name} is not carried over: ${why}`, fix));
  }
}
