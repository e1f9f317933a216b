import { expect, test } from '@jest/globals';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { filesOfTargets } from '../../src/machine/named-files.js';

const vm = { name: 'web', cpu: 1, mem: '64M' };
const device = (fields: object) => ({ emulations: [fields] });

async function named(fields: object): Promise<readonly string[]> {
  const text = JSON.stringify({ ...vm, ...fields });
  const loaded = await loadSpecText({ name: 'vm.json', text, format: 'json', resolveFile: (file) => file });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return [...filesOfTargets(loaded.value)].map(({ path }) => path);
}

test.each<[what: string, fields: object, file: string]>([
  ['a disk', device({ device: 'virtio-blk', path: 'disk.img' }), 'disk.img'],
  ['an image of a controller', device({ device: 'ahci', ports: [{ type: 'cd', path: 'cd.iso' }] }), 'cd.iso'],
  ['a disk with a comma in its name', device({ device: 'nvme', path: 'a,b=c.img' }), 'a,b=c.img'],
  ['a socket that bhyve makes', device({ device: 'virtio-console', ports: ['con.sock'] }), 'con.sock'],
  ['a ROM', device({ device: 'passthru', src: '3:0:0', rom: 'gpu.rom' }), 'gpu.rom'],
  ['a shared folder', device({ device: 'virtio-9p', sharename: 'src', path: '/srv' }), '/srv'],
  ['a raw device', device({ device: 'raw', value: 'ahci-hd,raw.img,ro' }), 'raw.img'],
  ['extra options', { extra_options: '-s 9,virtio-blk,extra.img' }, 'extra.img'],
  ['extra options in one word', { extra_options: '-k/etc/more.conf -o pci.0.9.0.path=x.img' }, '/etc/more.conf'],
  ['a variable', { config: { 'gdb.path': 'g' } }, 'g'],
  ['the boot ROM', { bootrom: 'rom.fd' }, 'rom.fd'],
  ['firmware variables', { bootrom: 'rom.fd', varfile: 'vars.fd' }, 'vars.fd'],
  ['a file for the firmware', { fwcfg: 'qemu', fw_cfg_files: [{ name: 'opt/x', file: 'fw.bin' }] }, 'fw.bin'],
  ['a serial port', { com2: '/dev/nmdm3A' }, '/dev/nmdm3A'],
  ['a TPM', { bootrom: 'rom.fd', tpm: { type: 'passthru', path: '/dev/tpm0' } }, '/dev/tpm0'],
  ['a password', { bootrom: 'rom.fd', graphic: { password_file: 'secret' } }, 'secret'],
  ["the loader's disk", { loader: { kind: 'bhyveload', disk: 'boot.img' } }, 'boot.img'],
  ["the loader's map", { loader: { kind: 'grub-bhyve', device_map: 'my.map', root: 'hd0' } }, 'my.map'],
  ['a hook', { hooks: { pre_start: ['bin/up', '-v'] } }, 'bin/up'],
  ['the script of a hook', { hooks: { post_stop: ['/bin/sh', '-x', 'down.sh'] } }, 'down.sh'],
  ['a device of a target', { targets: { install: device({ device: 'ahci-cd', path: 'cd.iso' }) } }, 'cd.iso'],
])('the machines of a spec name %s', async (_what, fields, file) => {
  expect(await named(fields)).toContain(file);
});

test('the name of the VM is not a file', async () => {
  expect(await named({ loader: { kind: 'bhyveload', disk: 'boot.img' } })).not.toContain(vm.name);
});
