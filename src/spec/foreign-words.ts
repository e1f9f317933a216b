/**
 * What people write who come from another tool (libvirt, QEMU, vm-bhyve, Proxmox, Lima, docker): the fields and device
 * models of a spec that they most likely mean. Words in lower case, `_` for `-`.
 */
interface ForeignWord {
  readonly words: readonly string[];
  /** Fields that may be meant; that which the place has is named. */
  readonly fields?: readonly string[];
  /** What to do instead, where the place has none of them. */
  readonly otherwise?: string;
}

const device = (example: string): string => `add to "emulations" e.g. ${example}`;

/** At the root of a spec, and in a target. */
export const foreignRootWords: readonly ForeignWord[] = [
  { words: ['memory', 'ram', 'memsize', 'mem_size', 'memory_mb', 'maxmemory', 'currentmemory'], fields: ['mem'] },
  { words: ['vcpus', 'vcpu', 'cpus', 'ncpus', 'cores', 'smp', 'sockets', 'threads', 'num_cpus'], fields: ['cpu'] },
  { words: ['cpuset', 'cpu_affinity', 'affinity', 'cputune', 'vcpupin'], fields: ['cpu_pin'] },
  {
    words: [
      'disks',
      'disk',
      'disk0',
      'drives',
      'drive',
      'hdd',
      'hda',
      'volumes',
      'volume',
      'storage',
      'image',
      'images',
    ],
    otherwise: device('{ "device": "virtio-blk", "path": "disk.img" }'),
  },
  { words: ['devices', 'device', 'hardware', 'emulation'], fields: ['emulations'] },
  {
    words: [
      'network',
      'networks',
      'network0',
      'net',
      'net0',
      'nic',
      'nics',
      'netdev',
      'interface',
      'interfaces',
      'bridge',
      'tap',
    ],
    otherwise: device('{ "device": "virtio-net", "name": "tap0" }'),
  },
  {
    words: ['iso', 'isos', 'cd', 'cd0', 'cdrom', 'cdroms', 'dvd', 'install_media'],
    otherwise: device('{ "device": "ahci-cd", "path": "install.iso" }'),
  },
  { words: ['vnc', 'graphics', 'display', 'video', 'vga', 'framebuffer', 'fbuf', 'spice'], fields: ['graphic'] },
  { words: ['uefi', 'bios', 'firmware', 'ovmf', 'pflash', 'boot_rom'], fields: ['bootrom'] },
  { words: ['nvram', 'vars', 'uefi_vars', 'efivars', 'efidisk', 'efidisk0', 'bootvars'], fields: ['varfile'] },
  { words: ['console', 'serial', 'serial0', 'tty', 'com'], fields: ['com1'] },
  {
    words: ['passthru', 'passthrough', 'hostdev', 'hostdevs', 'hostpci', 'hostpci0', 'pci', 'pcidevs'],
    otherwise: device('{ "device": "passthru", "src": "3:0:0" }'),
  },
  { words: ['sound', 'audio', 'audio0'], otherwise: device('{ "device": "hda" }') },
  {
    words: ['shares', 'share', 'mounts', 'filesystem', 'filesystems', 'virtfs', 'shared_folders', 'p9'],
    otherwise: device('{ "device": "virtio-9p", "path": "/export", "sharename": "share" }'),
  },
  { words: ['rng', 'rng0'], otherwise: device('{ "device": "virtio-rnd" }') },
  { words: ['usb', 'tablet'], otherwise: device('{ "device": "xhci" }') },
  { words: ['keymap', 'keyboard_layout', 'keyboardlayout'], fields: ['keyboard'] },
  { words: ['vmname', 'vm_name', 'title', 'hostname', 'domain', 'domainname', 'id'], fields: ['name'] },
  {
    words: ['args', 'arguments', 'options', 'extra_args', 'bhyve_options', 'qemu_args', 'flags'],
    fields: ['extra_options'],
  },
  { words: ['on_reboot', 'on_poweroff', 'on_crash', 'restart_policy'], fields: ['reboot_on'] },
  { words: ['stop_grace_period', 'shutdown_timeout', 'timeout'], fields: ['stop_timeout'] },
  {
    words: ['prestart', 'pre_start', 'poststart', 'post_start', 'poststop', 'post_stop', 'hookscript'],
    fields: ['hooks'],
  },
  { words: ['wired', 'wired_memory', 'wire_memory', 'memory_wired'], fields: ['wire_guest_mem'] },
  { words: ['utc', 'utctime', 'clock', 'rtc', 'localtime'], fields: ['utc_clock'] },
  { words: ['acpi'], fields: ['generate_acpi'] },
  { words: ['machine', 'architecture'], fields: ['arch'] },
  { words: ['tpm2', 'tpm0', 'tpmstate', 'tpmstate0'], fields: ['tpm'] },
  { words: ['gdbserver', 'debug', 'debug_port'], fields: ['gdb'] },
  { words: ['smbios1', 'sysinfo'], fields: ['smbios'] },
  {
    words: ['boot', 'boot_order', 'bootorder', 'bootdisk'],
    otherwise: 'give the devices a "bootindex", 0 for the first',
  },
  { words: ['onboot', 'startup', 'autoboot', 'start_on_boot', 'depends_on', 'after'], fields: ['autostart'] },
  {
    words: ['os', 'ostype', 'os_type', 'guest', 'guest_os'],
    otherwise: 'leave it out: it makes no difference to bhyve',
  },
  { words: ['vms', 'services', 'domains'], otherwise: 'a file is one VM: write a spec for each' },
];

const alsoOf = {
  words: ['size', 'disk_size', 'capacity'],
  otherwise: 'leave it out: it is that of the image; truncate -s 20G disk.img makes one',
};

/** In a device. */
export const foreignDeviceWords: readonly ForeignWord[] = [
  {
    words: [
      'file',
      'image',
      'img',
      'filename',
      'disk',
      'source',
      'volume',
      'zvol',
      'dev',
      'backing',
      'disk_image',
      'disk_path',
    ],
    fields: ['path', 'src', 'name'],
  },
  {
    words: ['tap', 'interface', 'ifname', 'iface', 'nic', 'link', 'dev', 'netif', 'netdev', 'host_device'],
    fields: ['name'],
  },
  { words: ['switch', 'vswitch', 'network', 'br'], fields: ['bridge'] },
  { words: ['mac_address', 'macaddr', 'macaddress', 'hwaddr', 'ether', 'address'], fields: ['mac', 'src'] },
  { words: ['host', 'pci', 'bdf', 'hostdev', 'host_address', 'source_address', 'ppt'], fields: ['src'] },
  { words: ['romfile', 'rom_file'], fields: ['rom'] },
  {
    words: ['readonly', 'read_only', 'rdonly'],
    fields: ['ro'],
    otherwise: 'leave it out: a CD is read-only anyway',
  },
  { words: ['nocaching', 'no_cache'], fields: ['nocache'] },
  { words: ['serial_number', 'serialno', 'serial'], fields: ['ser'] },
  { words: ['sector_size', 'blocksize', 'block_size', 'logical_block_size'], fields: ['sectorsize', 'sectsz'] },
  { words: ['boot_index', 'boot_order', 'bootorder', 'boot'], fields: ['bootindex'] },
  { words: ['model', 'driver', 'emulation', 'bus', 'interface_type', 'kind'], fields: ['device'] },
  { words: ['type'], fields: ['device'] },
  { words: ['addr', 'pci_addr', 'pcislot', 'pci_slot', 'pci_address', 'index', 'function'], fields: ['slot'] },
  { words: ['label', 'alias'], fields: ['id'] },
  { words: ['passwd', 'vnc_password'], fields: ['password'] },
  { words: ['w', 'xres'], fields: ['width'] },
  { words: ['h', 'yres'], fields: ['height'] },
  { words: ['listen', 'address', 'vnc_listen', 'ip'], fields: ['host'] },
  { words: ['tag', 'mount_tag', 'target', 'share'], fields: ['sharename'] },
  alsoOf,
  {
    words: ['format', 'image_format'],
    otherwise: 'leave it out: bhyve takes raw images only; qemu-img convert -O raw makes one of any other',
  },
  { words: ['cache', 'io', 'aio', 'discard', 'iothread'], fields: ['nocache', 'nodelete'] },
];

/** Names of device models. */
export const foreignModels: Readonly<Record<string, readonly string[]>> = {
  'virtio-blk': [
    'virtio',
    'disk',
    'hdd',
    'hd',
    'virtio-disk',
    'virtio-block',
    'virtio-blk-pci',
    'drive',
    'block',
    'raw-disk',
  ],
  'ahci-cd': ['cdrom', 'cd', 'dvd', 'iso', 'ide-cd', 'scsi-cd', 'cd-rom'],
  'ahci-hd': ['sata', 'ide', 'ide-hd', 'ahci-disk'],
  'virtio-net': [
    'net',
    'nic',
    'network',
    'interface',
    'virtio-net-pci',
    'virtio-nic',
    'vtnet',
    'tap',
    'bridge',
    'ethernet',
  ],
  e1000: ['e1000e', 'e1000-82545em', 'em', 'intel'],
  nvme: ['nvme-ns', 'nvd', 'nda'],
  'virtio-scsi': ['scsi', 'virtio-scsi-pci', 'virtio-scsi-single', 'lsi'],
  'virtio-9p': ['9p', 'virtio-9p-pci', 'share', 'filesystem', 'p9fs', 'virtfs'],
  'virtio-rnd': ['rng', 'random', 'virtio-rng', 'virtio-rng-pci', 'entropy'],
  'virtio-console': ['console', 'virtio-serial', 'virtio-serial-pci', 'channel'],
  'virtio-input': ['input', 'evdev', 'mouse', 'keyboard'],
  fbuf: ['vga', 'vnc', 'framebuffer', 'gpu', 'video', 'graphics', 'virtio-gpu', 'qxl', 'display'],
  xhci: ['usb', 'tablet', 'usb-tablet', 'qemu-xhci', 'ehci'],
  hda: ['sound', 'audio', 'ich9-intel-hda', 'intel-hda'],
  uart: ['serial', 'pci-serial', 'isa-serial'],
  passthru: ['passthrough', 'vfio-pci', 'hostdev', 'pci', 'ppt', 'hostpci'],
};

const plain = (word: string): string => word.toLowerCase().replaceAll('-', '_');

/**
 * What to do about a word that is no field here but one of another tool.
 * @param known the fields of the place
 */
export function foreignFieldFix(
  word: string,
  table: readonly ForeignWord[],
  known: readonly string[],
): string | undefined {
  const written = plain(word);
  let fix: string | undefined;
  for (const { words, fields = [], otherwise } of table) {
    if (!words.includes(written)) continue;
    const field = fields.find((each) => known.includes(each) && each !== word);
    if (field !== undefined) return `did you mean "${field}"?`;
    fix ??= otherwise;
  }
  return fix;
}

/** The device model that a name of another tool stands for. */
export const foreignModel = (word: string): string | undefined =>
  Object.entries(foreignModels).find(([, words]) => words.includes(word.toLowerCase()))?.[0];

const units: Readonly<Record<string, number>> = { k: 10, m: 20, g: 30, t: 40 };

/** `8GiB`, `8 gb`, `1.5G`, `8192 MB`, `4 gigabytes` as a spec has it; undefined where it cannot be told. */
export function respelledSize(text: string): string | undefined {
  const [, digits = '', unit = ''] =
    /^\s*(\d{1,9}(?:\.\d{1,6})?)\s*([kmgt])(?:i?b|ilo|ega|iga|era|ibi|ebi|i)?(?:bytes?)?\s*$/i.exec(text) ?? [];
  const shift = units[unit.toLowerCase()];
  if (shift === undefined) return undefined;
  const bytes = Number(digits) * 2 ** shift;
  if (!Number.isInteger(bytes / 1024)) return undefined;
  for (const [letter, size] of Object.entries(units).reverse()) {
    if (bytes % 2 ** size === 0) return `${bytes / 2 ** size}${letter.toUpperCase()}`;
  }
  return undefined;
}
