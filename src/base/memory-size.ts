const shifts = { K: 10n, M: 20n, G: 30n, T: 40n } as const;

/** Guest-physical addresses have 48 bits with four levels of nested paging. */
export const maxMemoryBytes = 2 ** 48;
/** bhyve maps guest memory in whole pages. */
export const pageBytes = 4096;

/**
 * Reads a memory size: decimal digits with a unit K, M, G or T (powers of 1024, any case, optional B), or an integer
 * number of bytes. Exact; bhyve would read a bare number below 1048576 as MiB, so text needs its unit here.
 * @returns bytes, or what is wrong with it
 */
export function parseMemorySize(size: string | number): number | { readonly error: string; readonly fix: string } {
  const bytes = typeof size === 'number' ? exactBytes(size) : withUnit(size);
  if (bytes === undefined) {
    return {
      error: `${JSON.stringify(size)} is not a memory size`,
      fix: 'use digits and one of K, M, G, T, e.g. "512M" or "4G", or an integer number of bytes',
    };
  }
  if (bytes === 0n) return { error: 'a VM needs memory, got 0', fix: 'use e.g. "512M"' };
  if (bytes > BigInt(maxMemoryBytes)) {
    return { error: `${JSON.stringify(size)} is more than a guest can address`, fix: 'use at most "256T"' };
  }
  if (bytes % BigInt(pageBytes) !== 0n) {
    // What bhyve's own -m takes for MiB.
    if (typeof size === 'number' && bytes < 1n << 20n) {
      return {
        error: `${bytes} is a number of bytes, and not a multiple of ${pageBytes}, the page size`,
        fix: `use "${bytes}M" if it is to be MiB`,
      };
    }
    return {
      error: `${bytes} bytes is not a multiple of ${pageBytes}, the page size`,
      fix: `use ${(bytes / BigInt(pageBytes) + 1n) * BigInt(pageBytes)}, or a size with a unit such as "512M"`,
    };
  }
  return Number(bytes);
}

const exactBytes = (size: number): bigint | undefined =>
  Number.isInteger(size) && size >= 0 ? BigInt(size) : undefined;

function withUnit(text: string): bigint | undefined {
  const [, digits, unit] = /^(\d+)([KMGT])B?$/i.exec(text) ?? [];
  if (digits === undefined || unit === undefined || digits.length > 30) return undefined;
  return BigInt(digits) << shifts[unit.toUpperCase() as keyof typeof shifts];
}

/**
 * Writes bytes so that bhyve reads the same number back: a unit where it divides, else plain bytes, which bhyve takes
 * from 1 MiB on. vm_parse_memsize in libvmmapi.
 */
export function formatMemorySize(bytes: number): string {
  const size = BigInt(bytes);
  for (const unit of ['T', 'G', 'M'] as const) {
    const divisor = 1n << shifts[unit];
    if (size % divisor === 0n) return `${size / divisor}${unit}`;
  }
  return size >= 1n << 20n ? `${size}` : `${size >> 10n}K`;
}
