/** A file of a tool that vmrun does not import. */
interface OtherTool {
  /** `a configuration of bmd`. */
  readonly what: string;
  readonly fix: string;
}

interface Kind extends OtherTool {
  readonly is: (text: string) => boolean;
}

/** Whether lines of so many different names are there: one name alone may be anything's. */
const hasNames =
  (pattern: RegExp, least: number) =>
  (text: string): boolean =>
    new Set([...text.matchAll(new RegExp(pattern.source, 'gm'))].map(([, name]) => name)).size >= least;

const both =
  (...patterns: readonly RegExp[]) =>
  (text: string): boolean =>
    patterns.every((pattern) => pattern.test(text));

const either =
  (...patterns: readonly RegExp[]) =>
  (text: string): boolean =>
    patterns.some((pattern) => pattern.test(text));

const byHand = 'write a spec with "vmrun init"; a bhyve command that the tool shows can be imported';
const otherMachine = 'the guest was made for another hypervisor: write a spec with "vmrun init", and give it the disks';
const insideGuest = 'it is for the system in the guest: give it to the guest, and write the VM with "vmrun init"';

const noMachine = 'write a spec with "vmrun init"';

/** In this order: the first that fits is told. */
const kinds: readonly Kind[] = [
  {
    what: 'a web page',
    fix: 'save the file that the page shows, and not the page around it',
    is: either(/^\s*(<!doctype html\b|<html\b)/i),
  },
  {
    what: 'an OVF description of a VM',
    fix: otherMachine,
    is: both(/^\s*</, /<(\w+:)?Envelope\b/),
  },
  { what: 'a VM of VirtualBox', fix: otherMachine, is: both(/^\s*</, /<VirtualBox\b/) },
  {
    what: 'a property list of macOS, such as a VM of UTM',
    fix: otherMachine,
    is: both(/^\s*</, /<plist\b/),
  },
  {
    what: 'a configuration of bmd',
    fix: byHand,
    is: both(/^\s*(vm|template)\s+["\w.-]+\s*\{/m, /^\s*(ncpu|memory|boot|passthru|loader|disk|network|iso)\s*(=|\{)/m),
  },
  {
    what: 'a vm.conf(5) of OpenBSD',
    fix: otherMachine,
    is: both(/^\s*vm\s+"?[\w.-]+"?\s*\{/m, /^\s*(memory|disk|cdrom|boot|owner|(local\s+)?interface)\s+["\w{]/m),
  },
  {
    what: 'a VM of vmrc',
    fix: byHand,
    is: hasNames(/^\s*(vm_(?:autoboot|dev_type|livecd|console|container|objdir)|install_method|site_payload)=/, 3),
  },
  {
    what: 'a profile or a setting file of CBSD',
    fix: `cbsd keeps guests of its own: ${byHand}`,
    is: hasNames(
      /^\s*(vm_(?:profile|os_type|os_profile|ram|cpus|hostbridge|efi|rd_port|vnc_port|package)|cbsd_iso_mirror|iso_img_dist|iso_site|imgsize|imgtype|default_jailname|jname|emulator|bhyve_flags|bhyve_generate_acpi|virtio_type|nic_flags|vm_vnc_port)\s*[=:]/,
      2,
    ),
  },
  {
    what: 'a jail.conf(5) file',
    fix: 'a jail is not a VM; where it runs bhyve, import the command or script that it starts',
    is: hasNames(
      /^\s*(exec\.(?:start|stop|clean|prestart|poststop|created|consolelog)|host\.hostname|mount\.devfs|mount\.fstab|vnet|vnet\.interface|ip4\.addr|ip6\.addr|allow\.\w+|devfs_ruleset|persist)\s*(?:\+?=|;)/,
      2,
    ),
  },
  {
    what: 'a payload of vmadm(8) of SmartOS',
    fix: `it is for the bhyve of illumos: ${byHand}`,
    is: both(/^\s*\{/, /"brand"\s*:\s*"/, /"(image_uuid|alias|nics|vcpus|ram|quota|max_physical_memory)"\s*:/),
  },
  {
    what: 'a zone of illumos',
    fix: `it is for the bhyve of illumos: ${byHand}`,
    is: both(/^\s*(create -[bt]|set zonename|set brand)/m, /^\s*set brand=|brand="?bhyve/m),
  },
  {
    what: 'a vm_config.json of HosterCore',
    fix: byHand,
    is: both(
      /^\s*\{/,
      /"(cpu_cores|cpu_sockets)"\s*:/,
      /"(network_adaptor_type|disk_location|parent_host|live_status|os_comment)"\s*:/,
    ),
  },
  {
    what: 'the state of a VM of Oxide (Propolis)',
    fix: `it is for the bhyve of illumos: ${byHand}`,
    is: both(/^\s*\[main\]/m, /^\s*\[(block_)?dev\./m),
  },
  {
    what: 'an instance of Lima',
    fix: otherMachine,
    is: hasNames(/^(images|mounts|vmType|containerd|minimumLimaVersion|portForwards|provision|mountType)\s*:/, 2),
  },
  {
    what: 'a file of Multipass',
    fix: otherMachine,
    is: either(
      /[{,\s]"?(?:image_release|image_hash|snapshot_count)"?\s*:/,
      /^\s*- state\s*:.*\n(?:[ \t]+.*\n)*?[ \t]+(?:release|ipv4)\s*:/m,
      /^instances\s*:\s*\n(?:[ \t]*(?:#.*)?\n)*[ \t]+[\w-]+\s*:\s*\n(?:[ \t]+.*\n)*?[ \t]+(?:image|cpus|disk|memory|limits)\s*:/m,
      /^\s*(?:client\.(?:primary-name|gui|apps)\b[\w.-]*|local\.(?:driver|bridged-network|privileged-mounts|[\w-]+\.(?:cpus|memory|disk)))\s*[:=]/m,
    ),
  },
  {
    what: 'a configuration of Wifibox',
    fix: byHand,
    is: both(/^passthru=/m, /^stop_wait_max=/m),
  },
  {
    what: 'a VM of Proxmox VE',
    fix: otherMachine,
    is: hasNames(
      /^(ostype|scsihw|vmgenid|smbios1|bootdisk|sockets|agent|numa|net\d+|scsi\d+|virtio\d+|sata\d+|ide\d+|efidisk0|machine|cores)\s*:\s/,
      3,
    ),
  },
  {
    what: 'a unit of systemd',
    fix: 'import the command that its ExecStart runs',
    is: both(/^\[(Unit|Service)\]/m, /^Exec(Start|StartPre)\s*=/m),
  },
  {
    what: 'a configuration of QEMU',
    fix: otherMachine,
    is: either(
      /^\s*(exec\s+|sudo\s+|doas\s+)?(\S*\/)?qemu-system-\w+\s/m,
      /^\s*\[(device|drive|machine|chardev|netdev)( "[^"]*")?\]/m,
    ),
  },
  {
    what: 'a script for xhyve, the hypervisor of macOS',
    fix: 'its options are those of an old bhyve: write bhyve in place of xhyve, and import that',
    is: either(/^\s*(exec\s+|sudo\s+)?(\S*\/)?xhyve\s+-/m),
  },
  { what: 'a Vagrantfile', fix: otherMachine, is: either(/\bVagrant\.configure\b/) },
  {
    what: 'a file of Docker Compose',
    fix: `containers are not VMs: ${noMachine}`,
    is: both(/^services\s*:/m, /^\s+(image|build)\s*:/m),
  },
  {
    what: 'a file for cloud-init',
    fix: insideGuest,
    is: either(/^#cloud-config\b/, /^instance-id\s*:/m, /^(#!.*\n)?\s*ds=nocloud/),
  },
  {
    what: 'a guest of Xen',
    fix: otherMachine,
    is: hasNames(/^\s*(vcpus|memory|maxmem|disk|vif|builder|type|kernel|bootloader|vfb|firmware|name)\s+=\s/, 3),
  },
  {
    what: 'a VM of VMware',
    fix: otherMachine,
    is: hasNames(/^\s*(\.encoding|config\.version|virtualHW\.version|guestOS|displayName|memsize|numvcpus)\s*=/, 2),
  },
  {
    what: 'a build of Packer or a plan of Terraform',
    fix: otherMachine,
    is: either(/^\s*(source|resource|provider|build)\s+("[\w-]+"\s*)*\{/m, /"builders"\s*:\s*\[/),
  },
  {
    what: 'a job of Nomad',
    fix: 'a task of the job can run vmrun; write the VM with "vmrun init"',
    is: both(/^\s*job\s+"[^"]+"\s*\{/m, /\b(group|task)\s+"|^\s*(datacenters|type|region)\s*=/m),
  },
  {
    what: 'the settings of vm-bhyve for all of its guests',
    fix: 'import the file of a guest: NAME/NAME.conf in the folder of vm-bhyve',
    is: either(/^vm_(dir|list|enable|delay)=/m, /^switch_list=/m),
  },
  {
    what: 'an object of Kubernetes',
    fix: noMachine,
    is: both(/(^|[{,])\s*"?apiVersion"?\s*:/m, /(^|[{,])\s*"?kind"?\s*:/m),
  },
  {
    what: 'an instance of Incus or LXD',
    fix: otherMachine,
    is: hasNames(/^(architecture|config|devices|profiles|ephemeral|stateful)\s*:/, 3),
  },
  {
    what: 'a playbook of Ansible',
    fix: 'import the bhyve command that it runs',
    is: either(
      /^\s*-\s+(hosts|import_playbook|ansible\.\w+\.\w+)\s*:/m,
      /^-[ \t]+name[ \t]*:[^\n]*\n([ \t]+[^\n]*\n){0,5}[ \t]+(hosts|tasks)[ \t]*:/m,
    ),
  },
  { what: 'a configuration of Firecracker', fix: otherMachine, is: either(/"(boot-source|machine-config)"\s*:/) },
  {
    what: 'a Dockerfile',
    fix: `containers are not VMs: ${noMachine}`,
    is: both(/^FROM\s+\S/m, /^(RUN|CMD|ENTRYPOINT|COPY|ADD|WORKDIR)\s/m),
  },
  { what: 'a Nix expression', fix: noMachine, is: either(/^\s*\{[\w.,\s?"-]*\}\s*:/) },
  {
    what: 'a guest of chyves',
    fix: byHand,
    is: either(
      /^(\S+\t)?chyves:\w+/m,
      /^(Gathering|Getting) all .*(chyves|'s properties)/m,
      /^(chyves_guest_version|bhyve_net_type|net_ifaces)[\s=]/m,
    ),
  },
  {
    what: 'a call of vmrun.sh, an example of FreeBSD',
    fix: 'run it by "sh -x": behind a "+" it shows the bhyve command that it makes, which can be imported',
    is: either(/\bvmrun\.sh\s/),
  },
  // Last, since tools above write in these languages as well.
  {
    what: 'a TOML or INI file',
    fix: `a spec is JSON, UCL or YAML: ${noMachine}`,
    is: both(/^\s*\[\[?[\w."' -]+\]\]?\s*$/m, /^\s*[\w."-]+\s*=/m),
  },
];

/** What a file is stands near its beginning, and each pattern may look at the rest of it once for every line. */
const tellingLength = 32 * 1024;

/** The beginning of a text, with one blank or one end of a line for a run of them: patterns begin anew at each. */
const beginningOf = (text: string): string =>
  text
    .slice(0, 8 * tellingLength)
    .replaceAll(/\s+/g, (run) => {
      const indent = run.slice(run.lastIndexOf('\n') + 1);
      return (run.includes('\n') ? '\n' : '') + (indent === '' ? '' : indent.startsWith('\t') ? '\t' : ' ');
    })
    .slice(0, tellingLength);

/** @returns undefined where the text is of no tool that vmrun knows by name */
export function otherToolOf(text: string): OtherTool | undefined {
  const beginning = beginningOf(text);
  const found = kinds.find(({ is }) => is(beginning));
  return found === undefined ? undefined : { what: found.what, fix: found.fix };
}

/** Words that only the bhyve of illumos takes. */
export const illumosWord = (argv: readonly string[]): string | undefined =>
  argv.find((word) =>
    /virtio-net-viona|backend=dlpi|(^|,)vnic=|passthru,\/dev\/ppt\d|,\/usr\/share\/bhyve\/firmware/.test(word),
  );
