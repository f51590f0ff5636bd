import type { Difference } from '../../catalog/diff.ts';
import { truncateText } from '../../lib/truncate-text.ts';

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;
const MAX_VALUE_CHARS = 70;

/** Formats the differences of two catalogs: a line for each part, and below it one for each field that changed. */
export function formatDifferences(differences: readonly Difference[]): string[] {
  if (differences.length === 0) return ['No differences.'];
  return differences.flatMap(({ part, name, change, fields = [] }) => [
    `${SIGNS[change]} ${part} ${name}`,
    ...fields.map(({ field, from, to }) => `    ${field}: ${formatValue(from)} → ${formatValue(to)}`),
  ]);
}

function formatValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return truncateText(text, MAX_VALUE_CHARS);
}
