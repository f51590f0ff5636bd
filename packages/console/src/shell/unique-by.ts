/** Returns the items without those whose ID occurred before. */
export function uniqueBy<Item>(items: readonly Item[], getId: (item: Item) => string): Item[] {
  const found = new Map<string, Item>();
  for (const item of items) if (!found.has(getId(item))) found.set(getId(item), item);
  return [...found.values()];
}
