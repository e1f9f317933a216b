const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A year. */
export const maxDurationSeconds = 31_536_000;

/** A JSON Schema pattern for durations written as text. */
export const durationPattern = '^\\d{1,12}(\\.\\d{1,6})?(ms|s|m|min|h|d)$';

/** Reads seconds, or text with a unit (`"90s"`, `"5min"`, `"500ms"`), as milliseconds; undefined where it is neither. */
export function parseDurationMs(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value * 1000 : undefined;
  // Bounds in the expression would cost more than all else that reads a spec: V8 writes out each of their digits.
  const [, whole = '', fraction = '', unit = ''] = /^(\d+)(?:\.(\d+))?(ms|s|min|m|h|d)$/.exec(value) ?? [];
  const factor = unitMs[unit];
  if (factor === undefined || whole.length > 12 || fraction.length > 6) return undefined;
  return Number(`${whole}.${fraction}`) * factor;
}

/** For people: `80 ms`, `1.5 s`, `2 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return `${Math.round(ms / 60_000)} min`;
}
