/** The counts of a report, in the order in which every form of it shows them. */
export const COUNT_COLUMNS = ['live', 'new', 'added', 'removed', 'moved', 'unchanged'] as const;

/** Formats a number with its digits in groups: `12,345`. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en');
}

/** Formats a number of things: `1 user`, `12,345 users`. @param noun in the singular */
export function formatCount(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`;
}
