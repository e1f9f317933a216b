/** What the checks may want to know of the kernel; sysctl(8) is asked for all of them at once. */
export const sysctlNames = [
  'hw.physmem',
  'hw.ncpu',
  'hw.vmm.maxcpu',
  'hw.vmm.amdvi.enable',
  'hw.vmm.iommu.enable',
  'hw.vmm.iommu.initialized',
  'hw.vmm.svm.features',
  'hw.vmm.vmx.cap.unrestricted_guest',
  'hw.vmm.vmx.initialized',
  'kern.securelevel',
  'net.link.tap.up_on_open',
  'net.link.tap.user_open',
  'security.jail.jailed',
  'security.jail.vmm_allowed',
] as const;

/**
 * Reads `sysctl NAME…`, one `name: value` a line. Other lines are passed over.
 * @returns undefined where there is none such: some of what we ask for is known to every kernel
 */
export function parseSysctl(text: string): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^([\w%-]+(?:\.[\w%-]+)+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) values.set(name, value.trim());
  }
  return values.size === 0 ? undefined : values;
}
