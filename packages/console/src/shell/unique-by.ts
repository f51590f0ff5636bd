/** Of items that are the same by their id, the first. */
export function uniqueBy<Item>(items: readonly Item[], idOf: (item: Item) => string): Item[] {
  const found = new Map<string, Item>();
  for (const item of items) if (!found.has(idOf(item))) found.set(idOf(item), item);
  return [...found.values()];
}
