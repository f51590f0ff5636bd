/**
 * One item can spoil what is done with all of them in one transaction, and the others are not to blame: it is found by
 * halves, each tried by itself.
 *
 * @param work results, or nothing
 * @param isItemError an error that some item may be the cause of; any other is thrown
 * @param onSingleFailure what comes of the one that fails by itself
 */
export async function bisect<Item, Result>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
  isItemError: (error: unknown) => boolean,
  onSingleFailure: (item: Item, error: unknown) => Result[] | Promise<Result[]>,
): Promise<readonly Result[]> {
  try {
    return await work(items);
  } catch (error) {
    if (!isItemError(error)) throw error;
    if (items.length === 1) return onSingleFailure(items[0] as Item, error);
    const half = Math.ceil(items.length / 2);
    const first = await bisect(items.slice(0, half), work, isItemError, onSingleFailure);
    return [...first, ...(await bisect(items.slice(half), work, isItemError, onSingleFailure))];
  }
}
