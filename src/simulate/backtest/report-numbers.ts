/** The counts of a report, in the order in which every form of it shows them. */
export const COUNT_COLUMNS = ['live', 'new', 'added', 'removed', 'moved', 'replanned', 'unchanged'] as const;

/** Formats a number with its digits in groups: `12,345`. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en');
}
