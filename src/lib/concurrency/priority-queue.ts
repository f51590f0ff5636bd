interface Entry<T> {
  readonly due: number;
  /** Order of insertion. */
  readonly index: number;
  readonly item: T;
}

/** A min-heap of items by due time; ties keep insertion order. */
export class PriorityQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #added = 0;

  add(due: number, item: T): void {
    const heap = this.#heap;
    const entry = { due, index: this.#added++, item };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Returns the item that is due first, without removing it; undefined: the queue is empty. */
  first(): { readonly due: number; readonly item: T } | undefined {
    return this.#heap[0];
  }

  /** Removes the item that is due first, if there is one. */
  removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return one.due < other.due || (one.due === other.due && one.index < other.index);
}
