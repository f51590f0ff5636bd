import type { Millis } from '../../model/event.ts';

/** An item of a list in order of time. */
export interface Timed {
  readonly time: Millis;
  readonly key: string;
}

/** Returns how many items are before `time`. @param items in order of time */
export function countBefore(items: readonly { readonly time: Millis }[], time: Millis): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle] as { readonly time: Millis }).time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns how many items are not after `time`. @param items in order of time */
export function countUpTo(items: readonly { readonly time: Millis }[], time: Millis): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle] as { readonly time: Millis }).time <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the index of the item with this time and key; -1 without one. @param items in the order of `compareByTime` */
export function findIndexOf(items: readonly Timed[], { time, key }: Timed): number {
  const index = partition(items, (item) => item.time < time || (item.time === time && item.key < key));
  const found = items[index];
  return found?.time === time && found.key === key ? index : -1;
}

/** Inserts an item behind those that do not come after it. An item that is the latest is only appended. */
export function insertInOrder<Item extends Timed>(items: Item[], item: Item): void {
  const { time, key } = item;
  const last = items[items.length - 1];
  if (!last || last.time < time || (last.time === time && last.key <= key)) items.push(item);
  else {
    const index = partition(items, (other) => other.time < time || (other.time === time && other.key <= key));
    items.splice(index, 0, item);
  }
}

/**
 * Returns how many items at the beginning of a list fulfill a condition, by binary search.
 * @param isBefore true for items up to some place, and false from there on
 * @param from, to the part of the list to search; the result is between them
 */
export function partition<Item>(
  items: readonly Item[],
  isBefore: (item: Item) => boolean,
  from = 0,
  to = items.length,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle] as Item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
