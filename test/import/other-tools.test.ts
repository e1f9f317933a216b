import { describe, expect, test } from '@jest/globals';
import { formatOf, maxImportBytes } from '../../src/import/formats.js';
import { whatInstead } from '../../src/import/no-spec.js';
import { otherToolOf } from '../../src/import/other-tools.js';
import { expectLinear } from '../support/growth.js';
import { imported, refusals } from './support.js';

const vmBhyve = 'loader="uefi"\ncpu=1\nmemory=1G\nuuid=5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01\ndisk0_type="nvme"\n';

describe('what a script leaves to another program is named', () => {
  test.each<[title: string, text: string, said: string]>([
    ['a Makefile', 'VM?=web\nrun:\n\tbhyve -c 1 -m 1G -s 0,hostbridge ${VM}\n', 'make -n run | vmrun import -'],
    [
      'a Makefile with several recipes',
      'M=1G\nrun: disk\n\techo\n\ninstall:\n\t@echo a\n\tbhyve -c 1 -m $(M) -s 0,hostbridge web\n',
      'make -n install | vmrun import -',
    ],
    ['vmrun.sh', 'sh /usr/share/examples/bhyve/vmrun.sh -c 2 -m 1G -d a.img web\n', 'this is a call of vmrun.sh'],
    [
      'a script that only looks like one',
      'run() {\n\tbhyve -c 1 -s 0,hostbridge $VM\n}\nrun\n',
      'is known only when the script runs',
    ],
  ])('%s', async (_title, text, said) => {
    expect((await refusals(text)).join('\n')).toContain(said);
  });
});

/** Written for these tests in the ways of each tool. */
const files: readonly [what: string, text: string][] = [
  ['a configuration of bmd', 'vm web {\n  ncpu = 2;\n  memory = 2G;\n  disk = /vm/web.img;\n  boot = yes;\n}\n'],
  [
    'a profile or a setting file of CBSD',
    'vm_profile="FreeBSD-x64-14"\nvm_os_type="freebsd"\nimgsize="20g"\nvm_ram="1g"\n',
  ],
  ['a profile or a setting file of CBSD', 'jname="web"\nemulator="bhyve"\nvm_cpus="2"\n'],
  [
    'a jail.conf(5) file',
    'web {\n  host.hostname = web.example.org;\n  path = /jails/web;\n  exec.start = "/bin/sh /etc/rc";\n}\n',
  ],
  ['a payload of vmadm(8) of SmartOS', '{\n "brand": "bhyve",\n "alias": "web",\n "ram": 1024,\n "vcpus": 2\n}\n'],
  ['a zone of illumos', 'create -b\nset zonepath=/zones/web\nset brand=bhyve\nset autoboot=false\n'],
  [
    'a vm_config.json of HosterCore',
    '{ "cpu_sockets": 1, "cpu_cores": 2, "memory": "2G", "networks": [{ "network_adaptor_type": "virtio-net" }] }',
  ],
  ['the state of a VM of Oxide (Propolis)', '[main]\nname = "web"\ncpus = 2\n[block_dev.root]\ntype = "file"\n'],
  [
    'an instance of Lima',
    'images:\n- location: "https://example.org/a.img"\n  arch: x86_64\nmounts:\n- location: "~"\n',
  ],
  [
    'a VM of Proxmox VE',
    'cores: 2\nmemory: 2048\nostype: l26\nscsi0: local-lvm:vm-100-disk-0,size=32G\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n',
  ],
  ['a configuration of QEMU', '#!/bin/sh\nqemu-system-x86_64 -m 2G -smp 2 -hda web.img\n'],
  ['a configuration of QEMU', '[drive "disk"]\n  file = "web.img"\n  format = "raw"\n'],
  ['a script for xhyve, the hypervisor of macOS', '#!/bin/sh\nxhyve -m 1G -c 2 -s 0,hostbridge -s 31,lpc\n'],
  ['a Vagrantfile', 'Vagrant.configure("2") do |config|\n  config.vm.box = "a"\nend\n'],
  ['a file of Docker Compose', 'services:\n  web:\n    image: nginx\n'],
  ['a file for cloud-init', '#cloud-config\nusers:\n  - name: root\n'],
  ['a file for cloud-init', 'instance-id: web\nlocal-hostname: web\n'],
  ['a guest of Xen', 'name = "web"\nmemory = 1024\nvcpus = 2\ndisk = [ "phy:/dev/zvol/tank/web,hda,w" ]\n'],
  ['a VM of VMware', 'config.version = "8"\nvirtualHW.version = "19"\nmemsize = "2048"\n'],
  ['a build of Packer or a plan of Terraform', 'source "qemu" "web" {\n  iso_url = "a"\n}\n'],
  ['a job of Nomad', 'job "web" {\n  group "g" {\n    task "vm" {\n    }\n  }\n}\n'],
  ['a job of Nomad', 'job "web" {\n  datacenters = ["dc1"]\n  group "g" { task "vm" { driver = "qemu" } }\n}\n'],
  [
    'a unit of systemd',
    '[Unit]\nDescription=a VM\n[Service]\nExecStart=/usr/bin/vm\nEnvironment=A=b\nExecStartPre=/bin/true\n',
  ],
  ['a web page', '<!DOCTYPE html>\n<html><body><pre>bhyve</pre></body></html>\n'],
  ['an OVF description of a VM', '<?xml version="1.0"?>\n<Envelope xmlns="a"><VirtualSystem/></Envelope>\n'],
  ['an OVF description of a VM', '<ovf:Envelope xmlns:ovf="a"/>\n'],
  [
    'a VM of VirtualBox',
    '<?xml version="1.0"?>\n<!-- a -->\n<VirtualBox version="1.19-linux"><Machine name="web"/></VirtualBox>\n',
  ],
  [
    'a property list of macOS, such as a VM of UTM',
    '<?xml version="1.0"?>\n<!DOCTYPE plist PUBLIC "a" "b">\n<plist version="1.0"><dict/></plist>\n',
  ],
  ['a vm.conf(5) of OpenBSD', 'vm "web" {\n\tmemory 1G\n\tdisk "/vm/web.img"\n\tinterface { switch "uplink" }\n}\n'],
  ['an object of Kubernetes', 'apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata:\n  name: web\n'],
  ['an object of Kubernetes', '{"apiVersion": "v1", "kind": "Pod"}\n'],
  [
    'an instance of Incus or LXD',
    'architecture: x86_64\nconfig:\n  limits.cpu: "2"\ndevices:\n  root: {path: /, type: disk}\n',
  ],
  ['a playbook of Ansible', '- hosts: all\n  tasks:\n  - command: vm create web\n'],
  ['a playbook of Ansible', '---\n- name: web\n  hosts: all\n  tasks: []\n'],
  [
    'a configuration of Firecracker',
    '{"boot-source": {"kernel_image_path": "a"}, "machine-config": {"vcpu_count": 2}}',
  ],
  ['a Dockerfile', 'FROM debian:12\nRUN apt-get update\nCMD ["sh"]\n'],
  ['a Nix expression', '{ config, pkgs, lib ? a, ... }: {\n  microvm.mem = 2048;\n}\n'],
  ['a file of Multipass', 'instances:\n  primary:\n    cpus: 2\n    disk: 20G\n    image: 22.04\n'],
  ['a file of Multipass', 'description: a\ninstances:\n  docker:\n    image: 22.04\n    limits:\n      min-cpu: 2\n'],
  ['a file of Multipass', 'primary:\n  - state: Running\n    ipv4:\n      - 10.0.0.1\n    release: Ubuntu\n'],
  ['a file of Multipass', 'errors: []\nweb:\n  - state: Running\n    image_hash: 4f1\n    image_release: 22.04 LTS\n'],
  ['a file of Multipass', '{"info": {"web": {"cpu_count": "1", "image_release": "22.04 LTS"}}}\n'],
  ['a file of Multipass', 'local.driver=qemu\nlocal.web.cpus=2\nclient.primary-name=web\n'],
  [
    'a guest of chyves',
    "Getting all web's properties...\nbargs   -A -H\nbhyve_net_type   virtio-net\ncpu   2\nram   4G\nos   default\n",
  ],
  [
    'a VM of vmrc',
    'install_method="iso"\nsite_payload="a.iso"\nvm_autoboot=""\nvm_cpus="2"\nvm_ram="1024"\ndisk0_type=""\ndisk0_device=""\n',
  ],
  ['a configuration of Wifibox', 'cpus=1\nmemory=128M\nconsole=no\npassthru=\npriority=50\nstop_wait_max=30\n'],
  ['a TOML or INI file', 'title = "vm"\n[vm]\ncpus = 2\nmemory = "4G"\n'],
  ['a TOML or INI file', '; a\n[vm]\ncpus=2\nmemory=4G\n'],
  ['a unit of systemd', '[Unit]\nDescription=web\n[Service]\nExecStart=/usr/bin/web\n'],
  ['the settings of vm-bhyve for all of its guests', 'vm_enable="YES"\nvm_dir="zfs:tank/vm"\n'],
  ['the settings of vm-bhyve for all of its guests', 'switch_list="public"\ntype_public="standard"\n'],
];

describe('a file of another tool is named for what it is', () => {
  test.each(files)('%s: %j, by vmrun import', async (what, text) => {
    expect(formatOf(text)).toBeUndefined();
    const [refusal = ''] = await refusals(text);
    expect(refusal).toContain(`format: this is ${what}, which vmrun does not import [`);
    expect(refusal).not.toMatch(/vmrun -c/);
  });

  test.each(files)('%s: %j, by vmrun -c', (what, text) => {
    const instead = whatInstead({ name: 'web', text });
    expect(instead?.message).toBe(`this is ${what}, not a spec`);
    expect(instead?.fix).not.toMatch(/vmrun import/);
  });
});

describe('vmrun -c says how a text becomes a spec', () => {
  test.each<[text: string, message: string]>([
    ['#!/bin/sh\nbhyve -c 1 vm\n', 'this is a script, not a spec'],
    [vmBhyve, 'this is a guest of vm-bhyve, not a spec'],
    ['Getting vm iohyve properties...\nram   1G\ncpu   1\n', 'this is a guest of iohyve, not a spec'],
    ['<domain type="bhyve"><name>vm</name></domain>', 'this is a domain of libvirt, not a spec'],
    ['name=vm\nmemory.size=1G\npci.0.0.0.device=hostbridge\n', 'this is a bhyve_config(5) file, not a spec'],
  ])('%j', (text, message) => {
    expect(whatInstead({ name: 'a b', text })).toMatchObject({
      message,
      fix: "make one of it: vmrun import 'a b'",
    });
    expect(whatInstead({ name: '<stdin>', text })?.fix).toBe('make one of it: vmrun import -');
  });

  test('and does not send to the importer what is too large for it', () => {
    const settings = `${vmBhyve}# ${'a'.repeat(maxImportBytes)}\n`;
    expect(whatInstead({ name: 'vm', text: settings })).toBeUndefined();
    expect(whatInstead({ name: 'vm', text: settings.slice(0, maxImportBytes) })?.message).toMatch(/vm-bhyve/);
  });

  test.each([
    ['<domain type="kvm"><name>vm</name></domain>', 'a domain of libvirt for kvm'],
    ["<!-- a -->\n<domain id='1' type='xen'/>", 'a domain of libvirt for xen'],
    ['<network><name>default</name></network>', 'XML, and no domain of libvirt'],
  ])('and does not send to the importer what it would refuse: %j', async (text, what) => {
    const instead = whatInstead({ name: 'vm', text });
    expect(instead?.message).toBe(`this is ${what}, not a spec`);
    expect(instead?.fix).not.toMatch(/vmrun import/);
    expect(await refusals(text)).toEqual([expect.stringMatching(/no-domain: .*not (of bhyve|a <domain>)/)]);
  });

  test.each([
    '{"name": "vm", "cpus": 1, "mem": "1G"}',
    'name: vm\ncpu: 2\nmem: 1G\nemulations:\n- device: nvme\n  path: web.img\n  images: 3\n',
    'name = vm\nmem = 1G\n',
    'hello',
    '{"name": "vm0", "services": []}',
  ])('and nothing of what is a spec with a mistake: %j', (text) => {
    expect(whatInstead({ name: 'vm', text })).toBeUndefined();
  });
});

describe('vmrun import', () => {
  test.each([
    ['{"name": "vm", "cpu": 1}', 'this looks like a spec already, or another JSON file'],
    ['name: vm\ncpu: 2\nmem: 1G\n', 'this looks like a spec already'],
    ['emulations = [ { device = nvme } ]\n', 'this looks like a spec already'],
  ])('sends %j to vmrun -c', async (text, message) => {
    expect(await refusals(text)).toEqual([`format: ${message} [run it with: vmrun -c FILE]`]);
  });

  test('but no JSON that has nothing of a spec', async () => {
    expect(await refusals('{"a": 1}')).toEqual([expect.stringMatching(/^format: this is nothing that vmrun can tell/)]);
  });
});

describe('a shell script is a script, whatever it writes', () => {
  test.each([
    `#!/bin/sh\ncat > /vm/.templates/web.conf <<EOF\n${vmBhyve}EOF\nvm create -t web web\nvm start web\n`,
    `cat << 'EOF' > /vm/web/web.conf\n${vmBhyve}EOF\nvm start web\n`,
    `cat <<-EOF >/vm/web/web.conf\n${vmBhyve}EOF\n`,
    `#!/usr/bin/env bash\n${vmBhyve}vm create web\n`,
    '#!/bin/sh\ncat > d.xml <<EOF\n<domain type="bhyve"/>\nEOF\nvirsh define d.xml\n',
  ])('%j', async (text) => {
    expect(formatOf(text)).toBe('bhyve');
    expect(await refusals(text)).toEqual([expect.stringMatching(/^no-command: there is no bhyve command in it/)]);
  });
});

describe('the bhyve of illumos is another one', () => {
  test.each([
    ['-s 6,virtio-net-viona,net0', '6,virtio-net-viona,net0'],
    ['-s 6,virtio-net,backend=dlpi,vnic=net0', '6,virtio-net,backend=dlpi,vnic=net0'],
    ['-s 7,passthru,/dev/ppt1', '7,passthru,/dev/ppt1'],
  ])('%s', async (words, word) => {
    const text = `bhyve -c 1 -m 1G -s 0,hostbridge -s 31,lpc ${words} vm\n`;
    const told = await imported(text).then(
      ({ notes }) => notes,
      (error: unknown) => String(error).split('\n'),
    );
    expect(told.join('\n')).toContain(
      `illumos: "${word}" is for the bhyve of illumos, which is another program than that of FreeBSD`,
    );
  });
});

describe('what a large file is', () => {
  test.each([
    '\n',
    ' ',
    '\t',
    ' \n',
    '\r\n',
    'a',
    'a.',
    '-',
    '<domain ',
    '[',
    '"',
    'vm x',
    'services:',
    '{',
    '- name: x\n',
  ])('is told in a time that grows no faster than it, of many %j', (piece) => {
    expectLinear(
      20_000,
      (count) => piece.repeat(count),
      (text) => otherToolOf(text),
    );
  });

  test('is told after thousands of empty lines', () => {
    expect(otherToolOf(`${'\n'.repeat(100_000)}[Unit]\n\nExecStart=/bin/x\n`)?.what).toBe('a unit of systemd');
  });
});
