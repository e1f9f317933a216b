import { nearestName } from '../../base/nearest-name.js';

/** What vm-bhyve reads in the file of a guest; `#` stands for the number of one of several alike. */
const plain = [
  ...['loader', 'cpu', 'cpu_sockets', 'cpu_cores', 'cpu_threads', 'memory', 'wired_memory', 'hostbridge', 'comports'],
  ...['uuid', 'utctime', 'debug', 'bhyve_options', 'start_slot', 'install_slot', 'ignore_msr', 'fwcfg', 'tags'],
  ...['ahci_device_limit', 'uefi_vars', 'nulliso_fix', 'virt_random', 'xhci_mouse', 'sound', 'sound_play', 'sound_rec'],
  ...['graphics', 'graphics_port', 'graphics_listen', 'graphics_res', 'graphics_wait', 'graphics_vga', 'vnc_password'],
  ...['loader_timeout', 'bhyveload_loader', 'bhyveload_args', 'grub_run_partition', 'grub_run_dir', 'grub_run_file'],
  ...['on_restart', 'on_fault', 'prestart', 'priority', 'limit_pcpu', 'limit_rbps', 'limit_wbps', 'limit_riops'],
  ...['limit_wiops', 'zfs_dataset_opts', 'zfs_zvol_opts', 'guest', 'uefi', 'grub_run_no_partition'],
] as const;
const numbered = [
  ...['disk#_name', 'disk#_type', 'disk#_dev', 'disk#_opts', 'disk#_size', 'passthru#', 'passthru#_options'],
  ...['network#_type', 'network#_switch', 'network#_mac', 'network#_device', 'network#_name', 'network#_span'],
  ...['virt_console#', 'grub_run#', 'grub_install#'],
] as const;

const namesLike = (name: string): readonly string[] => {
  const number = /\d+/.exec(name)?.[0] ?? '0';
  return [...plain, ...numbered.map((each) => each.replace('#', number))];
};

/** Whether vm-bhyve reads a setting of this name somewhere. */
export const isSetting = (name: string): boolean => namesLike(name).includes(name);

/** The setting that a misspelt name most likely meant. */
export const nearestSetting = (name: string): string | undefined => nearestName(name, namesLike(name));
