/** The words of the command line that stand for several rows. */
const GROUPS: { readonly [word: string]: readonly string[] } = {
  ingest: ['batch', 'http', 'delivered', 'single', 'requests', 'cpu'],
};

/**
 * Returns the rows that one of the words selects, in their order; all of them without words. A word selects by the id, or
 * as the name of a group (`ingest`); one that is neither selects the rows whose name contains it. Case does not matter.
 */
export function selectRows<Row extends { readonly id: string; readonly name: string }>(
  rows: readonly Row[],
  words: readonly string[],
): Row[] {
  const ids = new Set(rows.map(({ id }) => id));
  const selected = words.map((word) => {
    const wanted = word.toLowerCase();
    if (ids.has(wanted)) return ({ id }: Row) => id === wanted;
    const group = GROUPS[wanted];
    if (group) return ({ id }: Row) => group.includes(id);
    return ({ name }: Row) => name.toLowerCase().includes(wanted);
  });
  return rows.filter((row) => selected.length === 0 || selected.some((selects) => selects(row)));
}
