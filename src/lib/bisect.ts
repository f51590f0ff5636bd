/**
 * One item can spoil what is done with all of them in one transaction, and the others are not to blame: it is found by
 * halves, each tried by itself.
 *
 * @param work results, or nothing
 * @param isToBlame an error that some item may be the cause of; any other is thrown
 * @param alone what comes of the one that fails by itself
 */
export async function byHalves<Item, Result>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
  isToBlame: (error: unknown) => boolean,
  alone: (item: Item, error: unknown) => Result[] | Promise<Result[]>,
): Promise<readonly Result[]> {
  try {
    return await work(items);
  } catch (error) {
    if (!isToBlame(error)) throw error;
    if (items.length === 1) return alone(items[0] as Item, error);
    const half = Math.ceil(items.length / 2);
    const first = await byHalves(items.slice(0, half), work, isToBlame, alone);
    return [...first, ...(await byHalves(items.slice(half), work, isToBlame, alone))];
  }
}
