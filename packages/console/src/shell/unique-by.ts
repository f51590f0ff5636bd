/** Returns the items without those whose ID occurred before. */
export function uniqueBy<Item>(items: readonly Item[], idOf: (item: Item) => string): Item[] {
  const found = new Map<string, Item>();
  for (const item of items) if (!found.has(idOf(item))) found.set(idOf(item), item);
  return [...found.values()];
}
