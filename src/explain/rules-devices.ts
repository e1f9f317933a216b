import { about, byOption, look, rawDevices } from './advice.js';
import { whenAsked, type Rule } from './rule.js';

const diskPaths = about('path of the disks', 'virtio-blk', 'ahci-hd', 'ahci-cd', 'ahci', 'nvme');
const handmade = [rawDevices, byOption('-s'), about('config')] as const;
const serialPaths = ['com1', 'com2', 'com3', 'com4', 'uart', byOption('-l'), about('config')] as const;

const disks = whenAsked((): readonly Rule[] => [
  {
    when: /^Missing "path" for block device/,
    cause: 'a disk has no path',
    next: ['set path of the disk', look(...handmade)],
  },
  {
    when: /^Invalid sector size (.+)/,
    cause: 'a disk has sectors of a size that bhyve does not accept: $1',
    next: 'set sectorsize to 512 or 4096, or "512/4096": powers of two from 512 on, the logical one first',
  },
  {
    when: /^Sector size (\d+) incompatible with underlying device sector size (\d+)/,
    cause: 'a disk is set to sectors of $1 bytes, but the device behind it has $2',
    next: 'leave sectorsize out, or set it to a multiple of $2',
  },
  {
    when: /^(?:nvme: )?Could not (?:open|stat) backing file:? (\/.*): (.+)/,
    cause: 'the disk image $1 cannot be opened: $2',
    next: 'check whether $1 is there, and whether you may read and write it',
  },
  {
    when: /^(?:nvme: )?Could not open backing file: (.+)/,
    cause: 'a disk image cannot be opened: $1',
    next: [look(diskPaths, ...handmade), 'are they there, and may you read and write them?'],
  },
  {
    when: /^Could not fetch dev blk\/sector size: (.+)/,
    cause: 'a device behind a disk is not a disk: $1',
    next: [look(diskPaths, ...handmade)],
  },
  {
    when: /^Could not set bootindex (\d{1,10}) for (\S+)\. Bootindex already occupied by (\S+)/,
    cause: 'two devices are number $1 of the boot order: $2 and $3',
    next: 'give each its own bootindex',
  },
  {
    when: /^Invalid bootindex (\S+) for (\S+)/,
    cause: 'the boot order of $2 is a negative number: $1',
    next: 'set bootindex to a number from 0 on, or leave it out',
  },
  {
    when: /^Missing or invalid type for port (\d+): "(.*)"/,
    cause: 'port $1 of an AHCI controller is neither disk nor CD: $2',
    next: [look(...handmade), 'write hd: or cd: in front of the path'],
  },
  {
    when: /^(?:nvme: )?Invalid (qsz|ioslots) option (\S+)/,
    cause: 'the NVMe disk cannot have $1 of $2',
    next: 'set $1 to a number from 1 on, or leave it out',
  },
]);

const scsi = whenAsked((): readonly Rule[] => [
  {
    when: /^Invalid (seg_max|num_queues|\w{3}_ringsz|thr_per_q) option (.+)/,
    cause: 'the SCSI controller cannot have $1 of $2',
    next: 'leave $1 out, or look at its limits in bhyve_config(5)',
  },
  {
    when: /^(?:target path must be specified|(?:invalid|max) target |cannot add '.*' as target )/,
    cause: 'the SCSI controller cannot have such a target: $0',
    next: [
      look(about('the targets of virtio-scsi', 'virtio-scsi'), ...handmade),
      'each has a path and its own id, 0 to 255',
    ],
  },
]);

const network = whenAsked((): readonly Rule[] => [
  {
    when: /^Invalid MAC (.+)/,
    cause: '$1 is not the Ethernet address of a single network card',
    next: 'set mac to six hex numbers with colons, the first one even, or leave it out',
  },
  {
    when: /^open of tap device \/dev\/(\S+) failed/,
    also: /initialization error: Device (?:or resource )?busy/i,
    cause: 'it could not open $1: another program holds it',
    next: 'ifconfig $1 names that program ("Opened by PID"): end it, or take another interface',
  },
  {
    when: /^open of tap device \/dev\/(\S+) failed/,
    also: /initialization error: No such file/i,
    cause: 'it could not open $1: there is no such interface',
    next: [
      'make it with ifconfig $1 create',
      about('or "fix": true has vmrun make it; one with a name of its own needs "type": "tap"', 'virtio-net', 'e1000'),
    ],
  },
  {
    when: /^open of tap device \/dev\/(\S+) failed/,
    cause: 'it could not open $1',
    next: 'look with ifconfig $1 whether it is there and who has opened it, and whether you may open /dev/$1',
  },
  {
    when: /^(path|peer hook) must be provided/,
    cause: 'a netgraph backend has no $1',
    next: 'set path and peerhook of the network card',
  },
  {
    when: /^can't get Netgraph sockets/,
    cause: 'there are no netgraph sockets for bhyve',
    next: 'kldload ng_socket; check whether another node has the name that socket gives',
  },
  {
    when: /^can't connect to node/,
    cause: 'the netgraph node cannot be connected to',
    next: 'look at path and peerhook of the network card: ngctl list names the nodes, and the hook must be free',
  },
  {
    when: /libslirp/,
    cause: 'the library of the slirp backend cannot be used: $0',
    next: 'install the package libslirp, or use a tap interface',
  },
]);

const sockets = whenAsked((): readonly Rule[] => [
  {
    when: /^vtcon: port (.*) requires a path/,
    cause: 'the virtio-console port $1 has no path',
    next: 'look at ports: a path, or name and path',
  },
  {
    when: /^vtcon: too many ports/,
    cause: 'a virtio-console has more than 16 ports',
    next: 'spread ports over two devices',
  },
  {
    when: /^vtcon: required (path|name) missing for port (\d+)/,
    cause: 'the virtio-console port $2 has no $1',
    next: [
      look(
        about('ports of virtio-console', 'virtio-console'),
        about('port.$2 in config', 'config'),
        ...handmade.slice(0, 2),
      ),
    ],
  },
  {
    when: /^vtcon: Invalid port (.+)/,
    cause: 'a virtio-console has no port $1',
    next: [look(about('port in config', 'config'), ...handmade.slice(0, 2)), 'ports have numbers from 0 to 15'],
  },
  {
    when: /^cannot create port (\S+): Address already in use/,
    cause: 'the socket of virtio-console port $1 is there already: Address already in use',
    next: 'check whether another VM listens on it; if not, it is a leftover socket to be removed',
  },
  {
    when: /^cannot create port (\S+): (.+)/,
    cause: 'the socket of virtio-console port $1 could not be made: $2',
    next: 'look at the path in ports: make its folder, and keep the name of the socket below 104 bytes',
  },
  {
    when: /^virtio-9p: (.+)/,
    cause: 'a folder cannot be shared: $1',
    next: [
      look(about('sharename and path of virtio-9p', 'virtio-9p'), ...handmade),
      'one share for each device, its sharename at most 256 bytes',
    ],
  },
  {
    when: /^pci_vtinput_init: missing required path/,
    cause: 'an input device has no path',
    next: [look(about('path of virtio-input', 'virtio-input'), ...handmade), 'set it e.g. to /dev/input/event0'],
  },
]);

const screen = whenAsked((): readonly Rule[] => [
  {
    when: /^bind: Address already in use/,
    cause: 'another program listens on the port of the screen (VNC)',
    next: [
      about('set graphic.port to a free one', 'graphic'),
      look('fbuf', ...handmade),
      'sockstat -l names who listens',
    ],
  },
  {
    when: /^(?:bind|listen|socket): (.+)/,
    cause: 'the screen (VNC) cannot listen: $1',
    next: [look('graphic', 'fbuf', ...handmade), 'is host an address of this host, and may you listen on port?'],
  },
  {
    when: /^getaddrinfo: (.+)/,
    cause: 'the address of the screen (VNC) is not an address: $1',
    next: [
      about('set graphic.host to a numeric address such as 127.0.0.1', 'graphic'),
      look('fbuf', ...handmade),
      'bhyve looks up no names',
    ],
  },
  {
    when: /^fbuf: (Missing port number|Invalid IPv6 address): "(.*)"/,
    cause: 'bhyve cannot read the address of the screen (VNC): $2',
    next: [
      look(about('graphic.host and graphic.port', 'graphic'), 'fbuf', ...handmade),
      'write HOST:PORT or [IPv6]:PORT',
    ],
  },
  {
    when: /^fbuf: max resolution is (\S+)/,
    cause: 'the screen is larger than this bhyve can show: at most $1',
    next: [
      look(
        about('graphic.width and graphic.height', 'graphic'),
        about('width and height of fbuf', 'fbuf'),
        ...handmade,
      ),
    ],
  },
  {
    when: /^fbuf: minimum resolution is (\S+)/,
    cause: 'the screen is smaller than bhyve can show: at least $1',
    next: [
      look(
        about('graphic.width and graphic.height', 'graphic'),
        about('width and height of fbuf', 'fbuf'),
        ...handmade,
      ),
    ],
  },
  {
    when: /^fbuf: Invalid vga setting: "(.*)"/,
    cause: 'the screen has no VGA mode $1',
    next: [about('set graphic.vga to io or off', 'graphic'), look('fbuf', ...handmade), 'VGA is io, on or off'],
  },
  {
    when: /^Only one frame buffer device is allowed/,
    cause: 'the VM has two screens',
    next: [look('graphic', 'fbuf', ...handmade), 'keep one of them'],
  },
  {
    when: /^pci_xhci controller already defined/,
    cause: 'the VM has two xhci controllers',
    next: [
      about('set graphic.xhci_table to false, or take the other one out', 'graphic'),
      look(...handmade),
      'keep one of them',
    ],
  },
  {
    when: /^pci_xhci: unknown device model "(.*)"/,
    cause: 'bhyve has no USB device $1',
    next: [look(...handmade), 'the device it has is tablet'],
  },
  {
    when: /^pci_xhci:? (.+)/,
    cause: 'the xhci controller cannot be set up: $1',
    next: [look('xhci', ...handmade), 'it has at most four devices, in slots from 1 on'],
  },
]);

const cards = whenAsked((): readonly Rule[] => [
  {
    when: /^passthru requires guest memory to be wired/,
    cause: 'a passthru device needs wired memory',
    next: 'set wire_guest_mem to true',
  },
  {
    when: /^PCI device at (\S+) is not using the ppt(?:\(4\))? driver/,
    cause: 'the host card $1 is not reserved for guests',
    next: 'devctl set driver -f pci0:BUS:SLOT:FUNCTION ppt, or let vmrun do it with "fix": true',
  },
  {
    when: /^vm_assign_pptdev: (.+)/,
    cause: 'the kernel does not hand a host card to the guest: $1',
    next: 'check whether another VM has it, and whether the IOMMU is on: sysctl hw.vmm.iommu.initialized is 1',
  },
  {
    when: /^failed to open (\/dev\/(?:pci|io|mem)): (.+)/,
    cause: 'a passthru device needs $1, which cannot be opened: $2',
    next: 'run vmrun as root, outside of a jail',
  },
  {
    when: /^(?:passthru_init_rom: )?can't open romfile "(.*)"/,
    cause: 'the ROM of a host card cannot be opened: $1',
    next: [look(about('rom of passthru', 'passthru'), ...handmade), 'is the file there, and may you read it?'],
  },
  {
    when: /^(?:passthru_init_rom: )?(can't (?:fstat|read|mmap|map) romfile.*|romfile too (?:small|big|large).*)/,
    cause: 'the ROM of a host card cannot be used: $1',
    next: [look(about('rom of passthru', 'passthru'), ...handmade), 'is the file a whole ROM of that card?'],
  },
  {
    when: /^(?:pci_passthru: )?((?:un)?map_pptdev_mmio failed.*)/,
    isWarning: true,
    cause: 'the memory of a host card cannot be put where the guest wants it: $1',
    next:
      'update the firmware (edk2-bhyve); check whether another VM has the card, and whether it needs more room than ' +
      'the guest gives it, as large graphics cards do',
  },
  {
    when: /^vm_setup_pptdev_(msix?): (.+)/,
    cause: 'the kernel cannot hand on the interrupts ($1) of a host card: $2',
    next: 'look at dmesg, and check whether another VM has the card',
  },
  {
    when: /^passthru: invalid options "(.*)"/,
    cause: 'bhyve cannot read the host card $1',
    next: [look(...handmade), 'write 2/0/0, pci0:2:0:0 or ppt0, not 2:0:0'],
  },
  {
    when: /^passthru: missing required (\w+) setting/,
    cause: 'a passthru device has no $1',
    next: [about('set src of passthru', 'passthru'), about('in config set bus, slot and func, or pptdev', 'config')],
  },
  {
    when: /^(?:failed to initialize (?:MSI|BARs) for PCI|passthru)\b/,
    cause: 'the host card cannot be passed on: $0',
    next: [
      look(about('src of passthru', 'passthru'), ...handmade),
      'bridges and cards with unusual registers cannot be passed',
    ],
  },
]);

const serialPorts = whenAsked((): readonly Rule[] => [
  {
    when: /^Unable to initialize backend 'stdio' for (.+)/,
    cause: '$1 cannot have the terminal: another serial port has it, or it is not a terminal',
    next: [look(...serialPaths), 'use stdio for one of the serial ports only'],
  },
  {
    when: /^Invalid number of parameter|^Invalid address /,
    cause: 'bhyve cannot read the address of a serial port: $0',
    next: [look(...serialPaths), 'write tcp=IP:PORT with a numeric address, IPv6 in brackets'],
  },
  {
    when: /^bind\((.+)\): (.+)/,
    cause: 'a serial port cannot listen on $1: $2',
    next: [look(...serialPaths), 'is the address one of this host, and the port free?'],
  },
  {
    when: /^Unable to initialize backend '(.*)' for (.+)/,
    cause: '$2 cannot open $1',
    next: [look(...serialPaths), 'it must be a terminal device that nobody has open; nmdm needs kldload nmdm'],
  },
  {
    when: /^Only one LPC bridge is allowed/,
    cause: 'the VM has two LPC bridges',
    next: [look(...handmade), 'take it out: vmrun adds it'],
  },
  {
    when: /^LPC bridge can be present only on bus 0/,
    cause: 'the LPC bridge is on another bus than 0',
    next: 'set lpc_slot to a slot of bus 0',
  },
]);

/** What bhyve says of the devices, while it reads them and when it starts them. */
export const deviceRules = whenAsked((): readonly Rule[] => [
  ...disks(),
  ...scsi(),
  ...network(),
  ...sockets(),
  ...screen(),
  ...cards(),
  ...serialPorts(),
]);
