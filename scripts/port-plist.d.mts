export function isHashed(file: string): boolean;
export function portPlist(files: readonly string[]): string;
