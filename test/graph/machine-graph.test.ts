import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { deviceExamples } from '../../scripts/docs/device-examples.js';
import { formatAddress } from '../../src/base/pci-address.js';
import type { HostCard, Need } from '../../src/devices/device.js';
import { connectionWords, deviceWords, machineGraph, type MachineGraph } from '../../src/graph/machine-graph.js';
import type { Machine } from '../../src/machine/machine.js';
import { exampleSpec } from '../support/examples.js';
import { machineOf, minimal, planOf, type SpecObject } from '../support/specs.js';
import { wholeMachine } from '../support/whole-machines.js';
import { runs } from '../support/runs.js';

/** A line for the machine, and one for each device: `0:1:0 virtio-blk disk0 > rescue.img (disk)`. */
function linesOf({ facts, connections, buses }: MachineGraph): readonly string[] {
  const ends = (list: typeof connections): string =>
    list.map((each) => ` > ${each.port === undefined ? '' : `${each.port}: `}${connectionWords(each)}`).join('');
  return [
    facts.join('; ') + ends(connections),
    ...buses.flatMap(({ devices }) => devices.map((each) => deviceWords(each).join(' ') + ends(each.connections))),
  ];
}

const uefi = '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd (firmware)';

describe('the machine of an example', () => {
  test.each<[example: string, target: string, lines: readonly string[]]>([
    [
      'rescue.json',
      'rescue',
      [
        '2 vCPUs (1 socket, 1 core, 2 threads); 2G of memory; amd64, FreeBSD 15',
        '0:0:0 hostbridge',
        '0:1:0 virtio-blk disk0 > rescue.img (disk, read-only)',
        '0:2:0 ahci-cd cd0 > FreeBSD-14.3-RELEASE-amd64-disc1.iso (CD)',
        `0:31:0 lpc > bootrom: ${uefi} > com1: stdio (terminal)`,
      ],
    ],
    [
      'windows.json',
      'install',
      [
        '4 vCPUs (1 socket, 4 cores, 1 thread); 8G of memory; amd64, FreeBSD 15',
        '0:0:0 hostbridge',
        '0:1:0 fbuf > 127.0.0.1:5902 (VNC, 1600x900, with a password)',
        '0:2:0 xhci > tablet (USB)',
        '0:3:0 ahci-hd disk > windows.img (disk)',
        '0:4:0 ahci-cd setup > windows.iso (CD)',
        '0:5:0 e1000 lan > tap2 (tap)',
        '0:6:0 ahci-cd drivers > virtio-win.iso (CD)',
        '0:31:0 lpc > bootrom: /usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd (firmware) > bootvars: windows-vars.fd (variables)',
      ],
    ],
    [
      'passthru.json',
      'default',
      [
        '2 vCPUs (1 socket, 1 core, 2 threads); 2G of wired memory; amd64, FreeBSD 15',
        '0:0:0 hostbridge',
        '0:1:0 virtio-blk > /dev/zvol/tank/router (disk)',
        '0:6:0 passthru wan > 3:0:0 (host card)',
        '0:6:1 passthru lan > 3:0:1 (host card)',
        `0:31:0 lpc > bootrom: ${uefi} > com1: /dev/nmdm-routerA (null modem)`,
      ],
    ],
    [
      'workstation.json',
      'default',
      [
        '8 vCPUs (1 socket, 4 cores, 2 threads); 8G of memory; amd64, FreeBSD 15',
        '0:0:0 hostbridge',
        '0:1:0 ahci drives > port 0: workstation.img (disk) > port 1: /dev/zvol/tank/home (disk) > port 2: live.iso (CD)',
        '0:2:0 virtio-net lan > tap5 (tap)',
        '0:3:0 virtio-9p > src: /usr/src (folder, read-only)',
        '0:4:0 virtio-rnd',
        '0:5:0 virtio-input > /dev/input/event0 (device)',
        '0:6:0 hda > play: /dev/dsp0 (device) > rec: /dev/dsp0 (device)',
        '0:7:0 fbuf > 127.0.0.1:5905 (VNC, 1920x1080)',
        '0:8:0 xhci > tablet (USB)',
        `0:31:0 lpc > bootrom: ${uefi}`,
      ],
    ],
    [
      'storage.json',
      'default',
      [
        '4 vCPUs (1 socket, 1 core, 4 threads); 8G of memory; amd64, FreeBSD 16',
        '0:0:0 hostbridge',
        '0:1:0 nvme system > storage.img (disk)',
        '0:2:0 virtio-scsi luns > target 0: /dev/cam/ctl1.1 (device) > target 8: /dev/cam/ctl2.1 (device)',
        '0:3:0 virtio-blk log > /dev/zvol/tank/storage-log (disk)',
        '0:4:0 ahci-hd archive > archive.img (disk)',
        '0:5:0 virtio-net lan > tap6 (tap)',
        '0:6:0 uart > /dev/nmdm-storage.2A (null modem)',
        '0:8:0 hostbridge amd_hostbridge',
        `0:31:0 lpc > bootrom: ${uefi} > com1: /dev/nmdm-storage.1A (null modem)`,
      ],
    ],
    [
      'console.json',
      'default',
      [
        '1 vCPU; 1G of memory; amd64, FreeBSD 15',
        '0:0:0 hostbridge',
        '0:1:0 virtio-blk > console.img (disk)',
        '0:2:0 virtio-console > port1: console-port1.sock (socket) > org.qemu.guest_agent.0: console-agent.sock (socket)',
        `0:31:0 lpc > bootrom: ${uefi} > com1: stdio (terminal)`,
      ],
    ],
    [
      'bhyveload.json',
      'install',
      [
        '2 vCPUs (1 socket, 1 core, 2 threads); 1G of memory; amd64, FreeBSD 15 > loader: bhyveload (program)',
        '0:0:0 hostbridge',
        '0:1:0 virtio-blk disk0 > bhyveload.img (disk)',
        '0:2:0 virtio-net net0 > tap6 (tap)',
        '0:3:0 ahci-cd cd0 > FreeBSD-14.3-RELEASE-amd64-disc1.iso (CD)',
        '0:31:0 lpc > com1: /dev/nmdm-bhyveloadA (null modem)',
      ],
    ],
    [
      'served-console.json',
      'default',
      [
        '2 vCPUs (1 socket, 1 core, 2 threads); 1G of memory; amd64, FreeBSD 15 > loader: bhyveload (program)',
        '0:0:0 hostbridge',
        '0:1:0 virtio-net > tap0 (tap)',
        '0:2:0 virtio-blk > appliance.img (disk)',
        '0:31:0 lpc > com1: console (served by vmrun)',
      ],
    ],
    [
      'bhyve-man/arm64.json',
      'default',
      [
        '2 vCPUs (2 sockets, 1 core, 1 thread); 1G of memory; arm64, FreeBSD 15 > bootrom: /usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin (firmware) > console: stdio (terminal)',
        '0:0:0 hostbridge',
        '0:1:0 virtio-blk > /my/image (disk)',
      ],
    ],
  ])('%s, target %s', async (example, target, lines) => {
    const machine = machineOf(await exampleSpec(example), target);
    expect(linesOf(machineGraph(machine))).toEqual(lines);
  });
});

describe('a device', () => {
  const onlyDevice = async (device: object, root: object = {}): Promise<string> => {
    const machine = await planOf({ ...minimal, ...root, emulations: [{ slot: '5', ...device }] });
    return (
      linesOf(machineGraph(machine))
        .find((line) => line.startsWith('0:5:0'))
        ?.slice('0:5:0 '.length) ?? ''
    );
  };

  test.each<[device: object, line: string]>([
    [{ device: 'virtio-net', name: 'lan', type: 'tap', bridge: 'bridge0' }, 'virtio-net > lan (tap, bridge0)'],
    [{ device: 'virtio-net', name: 'vale0:vm' }, 'virtio-net > vale0:vm (vale)'],
    [{ device: 'virtio-net', type: 'netgraph', path: 'sw0:', peerhook: 'l1' }, 'virtio-net > sw0: l1 (netgraph)'],
    [{ device: 'virtio-net', type: 'slirp' }, 'virtio-net > user network (slirp)'],
    [
      { device: 'virtio-net', type: 'slirp', hostfwd: ['tcp::80-:80', 'udp::53-:53'] },
      'virtio-net > tcp::80-:80 udp::53-:53 (slirp)',
    ],
    [{ device: 'nvme', ram: 512 }, 'nvme > 512 MiB (memory)'],
    [{ device: 'passthru', src: 'ppt3', rom: 'a.rom' }, 'passthru > ppt3 (host card) > rom: a.rom (file)'],
    [
      { device: 'passthru', lookup: { vendor: '0x10de1458', device: '0x1b8136f0' } },
      'passthru > 0x10de1458 0x1b8136f0 (host card)',
    ],
    [{ device: 'uart', path: 'tcp=127.0.0.1:99' }, 'uart > 127.0.0.1:99 (TCP)'],
    [{ device: 'uart', path: 'stdio' }, 'uart > stdio (terminal)'],
    [{ device: 'uart', path: 'console' }, 'uart > console (served by vmrun)'],
    [{ device: 'virtio-blk', path: 'console' }, 'virtio-blk > console (disk)'],
    // A disk of a name that would mean something to a serial port.
    [{ device: 'virtio-blk', path: 'stdio' }, 'virtio-blk > stdio (disk)'],
    [{ device: 'fbuf', wait: true }, 'fbuf > 127.0.0.1:5900 (VNC, waits for a client)'],
    [{ device: 'raw', value: 'virtio-rnd' }, 'raw virtio-rnd'],
    [{ device: 'raw', value: 'fbuf,Password=geheim,w=800' }, 'raw fbuf,Password=***,w=800'],
  ])('%j', async (device, line) => {
    expect(await onlyDevice(device)).toBe(line);
  });
});

describe('what is no device', () => {
  test.each<[fields: SpecObject, line: string]>([
    [{ gdb: 'w1.2.3.4:99' }, ' > gdb: 1.2.3.4:99 (TCP, waits for a debugger)'],
    [{ gdb: 99 }, ' > gdb: localhost:99 (TCP)'],
    [{ loader: 'none' }, ' > loader: loaded by others'],
    [
      { loader: { kind: 'grub-bhyve', root: 'hd0', device_map: { hd0: 'x.img' } } },
      ' > loader: grub-bhyve (program) > loader: x.img (file)',
    ],
    [{ lpc_slot: 'none' }, ` > bootrom: ${uefi}`],
    [
      { fwcfg: 'qemu', tpm: { type: 'swtpm', path: '/t.sock' }, fw_cfg_files: [{ name: 'a', file: '/f' }] },
      ` > bootrom: ${uefi} > tpm: /t.sock (swtpm) > fw_cfg: /f (file)`,
    ],
  ])('%j', async (fields, line) => {
    const [machine = '', ...devices] = linesOf(machineGraph(await planOf({ ...minimal, ...fields })));
    const lpc = devices.find((each) => each.includes(' lpc')) ?? '';
    expect([machine.slice(machine.indexOf(' >')), lpc.slice(lpc.indexOf(' >'))]).toContain(line);
  });
});

/** What is to be seen of a need; undefined: nothing, it is not a thing that something is connected to. */
function tokenOf(need: Need & { readonly pointer: string }): string | undefined {
  switch (need.kind) {
    case 'file':
      // Where a password comes from is nobody's business who looks at a picture.
      return need.pointer.endsWith('/password_file') ? undefined : need.path;
    case 'interface':
      return need.name;
    case 'free-socket':
      return need.path;
    case 'tcp-port':
      return String(need.port);
    case 'host-card':
      return cardToken(need.card);
    case 'module':
    case 'memory':
    case 'vcpus':
    case 'iommu':
    case 'virtualization':
    case 'space':
    case 'privilege':
    case 'program':
      return undefined;
  }
}

function cardToken(card: HostCard): string {
  switch (card.by) {
    case 'address':
      return formatAddress(card.address);
    case 'name':
      return card.name;
    case 'ids':
      return card.device;
  }
}

const unseen = (machine: Machine): readonly string[] => {
  const graph = machineGraph(machine);
  const connections = [
    ...graph.connections,
    ...graph.buses.flatMap(({ devices }) => devices.flatMap((d) => d.connections)),
  ];
  const names = connections.flatMap(({ name, notes }) => [name, ...notes]);
  return machine.requirements
    .flatMap(({ need }) => tokenOf(need) ?? [])
    .filter((token) => !names.some((name) => name.includes(token)));
};

test('what a machine needs of the host for its devices is in its picture, every device too, and no secret', async () => {
  await fc.assert(
    fc.asyncProperty(wholeMachine, async (object) => {
      const machine = await planOf(object);
      expect(unseen(machine)).toEqual([]);
      const graph = machineGraph(machine);
      const shown = graph.buses.flatMap(({ number, devices }) =>
        devices.map(({ address, model }) => `${number} ${formatAddress(address)} ${model}`),
      );
      const there = machine.devices.map(({ address, model }) => `${address.bus} ${formatAddress(address)} ${model}`);
      expect(shown.toSorted()).toEqual(there.toSorted());
    }),
    { numRuns: runs(100) },
  );
});

test.each(Object.entries(deviceExamples).flatMap(([model, list]) => list.map((each) => [model, each] as const)))(
  'a full example of %s is connected to all that it names on the host',
  async (model, { fields, needs = {} }) => {
    expect(unseen(await planOf({ ...minimal, ...needs, emulations: [{ device: model, ...fields }] }))).toEqual([]);
  },
);
