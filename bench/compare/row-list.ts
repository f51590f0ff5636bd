/** A row as the bench of some revision lists it. */
export interface ListedRow {
  /** Equal in both revisions for the same measurement. */
  readonly id: string;
  readonly name: string;
  /** The argument that makes that revision's bench measure this row and no other. */
  readonly selector: string;
}

/** Rows had no id before `--list`; their names never changed until then. */
const ID_BY_EARLY_NAME: { readonly [name: string]: string } = {
  'events decided and stored, batch function': 'batch',
  'events decided and stored, HTTP, 100 a request': 'http',
  'events to delivered (no-op), HTTP, 100 a request': 'delivered',
  'one event a request, micro-batched': 'single',
  'delivery to a no-op provider': 'delivery',
  'delivery to a local SMTP sink': 'smtp',
  'latency, request to delivered (no-op), p99 at 200 events/s': 'latency',
  'CPU per event decided and stored, Node and PostgreSQL': 'cpu',
  'rules, 400 of which 4 listen': 'rules',
  'backtest, events replayed in memory': 'backtest',
  'timers fired, each with a notification': 'timers',
  'events decided and stored while 10 times as many waits are pending': 'pending',
};

/** Returns a line a row, `id  name`, as `--list` prints it; `parseRowList` reads it back. */
export function formatRowList(rows: readonly { readonly id: string; readonly name: string }[]): string {
  const width = Math.max(...rows.map(({ id }) => id.length));
  return rows.map(({ id, name }) => `${id.padEnd(width)}  ${name}`).join('\n');
}

/** Reads what `--list` prints: a line a row, the id, blanks, the name. */
export function parseRowList(text: string): ListedRow[] {
  return [...text.matchAll(/^(\S+) {2,}(\S.*)$/gm)].map(([, id = '', name = '']) => ({ id, name, selector: id }));
}

/**
 * Reads the names from how a bench without `--list` rejects a name that no row has: indented lines behind "There are:".
 * A name that is not known becomes the id itself.
 */
export function parseRejectedName(text: string): ListedRow[] {
  const names = text.split('There are:\n')[1] ?? '';
  return [...names.matchAll(/^ {2}(\S.*)$/gm)].map(([, name = '']) => ({
    id: ID_BY_EARLY_NAME[name] ?? name,
    name,
    selector: name,
  }));
}
