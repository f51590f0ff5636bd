/**
 * Yields items in parts of one to `maxItems`, as they come: no more of them are taken than a part holds.
 * @param maxSize a part ends with the item by which its size, the sum of `sizeOf` of its items, comes to this
 */
export async function* inParts<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  maxItems: number,
  { maxSize, sizeOf }: { readonly maxSize: number; sizeOf(item: Item): number } = UNSIZED,
): AsyncGenerator<Item[]> {
  let part: Item[] = [];
  let size = 0;
  for await (const item of items) {
    part.push(item);
    size += sizeOf(item);
    if (part.length < maxItems && size < maxSize) continue;
    yield part;
    part = [];
    size = 0;
  }
  if (part.length > 0) yield part;
}

const UNSIZED = { maxSize: Number.POSITIVE_INFINITY, sizeOf: () => 0 };

/** Yields items as lines of JSON. */
export async function* toLines(items: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}
