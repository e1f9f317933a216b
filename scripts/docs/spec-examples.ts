/** A text for each of the SMBIOS tables. */
export const smbiosTexts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bios: { vendor: 'ACME', version: '1.0', release_date: '01/31/2026' },
  system: {
    ...{ family_name: 'Server', manufacturer: 'ACME', product_name: 'VM', serial_number: '42' },
    ...{ sku: 'VM-1', version: '1.0' },
  },
  board: {
    ...{ manufacturer: 'ACME', product_name: 'Board', version: '1.0', serial_number: '42' },
    ...{ asset_tag: 'A42', location: 'Slot 1' },
  },
  chassis: { manufacturer: 'ACME', version: '1.0', serial_number: '42', asset_tag: 'A42', sku: 'VM-1' },
};

/**
 * What docs/spec.md shows for a root field, where the schema's own examples do not show all that is below it. Every
 * field is in an example; a test says where one is not.
 */
export const specExamples: Readonly<Record<string, readonly unknown[]>> = {
  arch: ['arm64'],
  release: [15],
  numa: [
    [
      { id: 0, mem: '2G', cpus: '0-1', policy: 'prefer:0' },
      { id: 1, mem: '2G', cpus: '2-3', policy: 'prefer:1' },
    ],
  ],
  varfile: ['freebsd.vars.fd'],
  fwcfg: ['qemu'],
  fw_cfg_files: [
    [
      { name: 'opt/com.example/key', string: 'value' },
      { name: 'opt/com.example/script', file: 'setup.sh' },
    ],
  ],
  loader: [
    {
      kind: 'bhyveload',
      disk: ['disk.img', 'data.img'],
      env: { autoboot_delay: '3' },
      args: ['-h', '/export/guest'],
    },
    { kind: 'grub-bhyve', root: 'hd0,msdos1', device_map: { hd0: 'disk.img', cd0: 'install.iso' } },
    {
      kind: 'grub-bhyve',
      commands: ['linux (hd0,msdos1)/vmlinuz root=/dev/vda1', 'initrd (hd0,msdos1)/initrd.img', 'boot'],
    },
    'none',
  ],
  loader_timeout: ['5min'],
  emulations: [
    [
      { device: 'virtio-blk', path: 'disk.img' },
      { device: 'virtio-net', name: 'tap0' },
    ],
  ],
  com2: ['tcp=127.0.0.1:1234'],
  com3: ['/dev/nmdm-vm0.3A'],
  com4: ['/dev/nmdm-vm0.4A'],
  graphic: [
    {
      ...{ slot: '0:29:0', host: '127.0.0.1', port: 5900, width: 1920, height: 1080 },
      ...{ vga: 'io', password: 'secret', wait: true, xhci_table: false },
    },
    { path: '/var/run/vm0-vnc.sock', password_file: 'vnc.password' },
  ],
  tpm: [
    { type: 'swtpm', path: '/var/run/swtpm.sock' },
    { type: 'passthru', path: '/dev/tpm0', version: '2.0' },
  ],
  uuid: ['5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01'],
  smbios: [smbiosTexts],
  next_target: [
    'default',
    {
      ...{ reboot: 'default', power_off: 'install', halt: 'install', triple_fault: 'rescue', error: 'rescue' },
      ...{ suspend: 'default', signal: 'rescue' },
    },
  ],
  reboot_on: [
    ['reboot', 'triple_fault'],
    ['reboot', 'triple_fault', 'error', 'signal'],
  ],
  restart: [{ max: 5, window: '10min', delay: '1s', max_delay: '1min', stable: '2min' }],
  on_give_up: ['rescue', 'stop'],
  stop_timeout: [90, '5min'],
  autostart: [
    true,
    { ready: { tcp: '10.0.0.5:5432', timeout: '5min' } },
    { after: ['db', 'cache'], ready: { console: 'login:' }, delay: '5s', on_failure: 'start' },
    { ready: { command: ['/usr/local/bin/is-up.sh', 'web'] } },
  ],
  hooks: [
    {
      pre_start: ['/usr/local/bin/prepare.sh', 'disk.img'],
      post_start: '/usr/local/bin/up.sh --now',
      pre_reboot: ['/usr/local/bin/between-boots.sh'],
      post_stop: ['/usr/local/bin/down.sh'],
      timeout: '2min',
    },
    { post_start: '/usr/local/bin/up.sh --now' },
  ],
  targets: [
    {
      media: { emulations: [{ device: 'ahci-cd', path: 'install.iso' }] },
      install: { inherits: 'media', mem: '4G', next_target: 'default' },
    },
  ],
  $schema: ['node_modules/vmrun/schemas/vm.schema.json'],
};
