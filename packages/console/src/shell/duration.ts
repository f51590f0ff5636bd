const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** Formats a duration (ms) in its two largest units: 45_000_000 → "12 h 30 min", 86_401_000 → "1 d 1 s". */
export function formatDuration(ms: number): string {
  const parts: string[] = [];
  let rest = Math.round(ms);
  for (const [unit, length] of UNITS) {
    if (rest < length || parts.length === 2) continue;
    parts.push(`${Math.floor(rest / length)} ${unit}`);
    rest %= length;
  }
  return parts.join(' ') || '0 s';
}
