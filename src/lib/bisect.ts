/**
 * Runs `work` over all items at once. If that fails and an item may be the cause, runs it over each half, and so on down to
 * single items, so that one bad item does not fail the others. Returns the results in the order of the items.
 *
 * @param work all or nothing: must have no effect when it throws
 * @param isItemError whether an item may be the cause of an error; any other error is thrown
 * @param onSingleFailure returns the results of an item that fails alone
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
