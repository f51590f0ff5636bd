/** Returns the items in order, without repeated IDs; the first item of an ID is kept. */
export function uniqueBy<Item>(items: readonly Item[], getId: (item: Item) => string): Item[] {
  const found = new Map<string, Item>();
  for (const item of items) if (!found.has(getId(item))) found.set(getId(item), item);
  return [...found.values()];
}
