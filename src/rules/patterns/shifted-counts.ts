import type { Millis } from '../../model/event.ts';
import type { FullEvent } from '../known/known-events.ts';

interface Node {
  readonly event: FullEvent;
  readonly priority: number;
  /** Without what is still to be added by the nodes above. */
  count: number;
  /** The highest count of this node and those below it. */
  highest: number;
  /** To be added to the counts of the nodes below. */
  pending: number;
  left: Node | undefined;
  right: Node | undefined;
}

/**
 * Events with a count each, in order of time, of which those between two times are counted up together. A treap: adding an
 * event and counting up cost the logarithm of their number, finding those with the highest count the same for each. Counts
 * below `limit` only: an event that reaches it is removed.
 */
export class ShiftedCounts {
  readonly #limit: number;
  #root: Node | undefined;
  /** State of the generator of priorities (a xorshift); any start but 0. */
  #random = 0x2545_f491;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(event: FullEvent, count: number): void {
    if (count >= this.#limit) return;
    const node: Node = {
      event,
      priority: this.#drawPriority(),
      count,
      highest: count,
      pending: 0,
      left: undefined,
      right: undefined,
    };
    const [before, after] = split(this.#root, (one) => compare(one, event) < 0);
    this.#root = merge(merge(before, node), after);
  }

  /**
   * Adds one to the events from one time to another, both included.
   * @param except key of an event that is left out
   */
  countUp(from: Millis, to: Millis, except: string): void {
    const [before, rest] = split(this.#root, ({ time }) => time < from);
    const [between, after] = split(rest, ({ time }) => time <= to);
    if (between) {
      shift(between, 1);
      const own = from <= to ? shiftOne(between, { time: from, key: except }, -1) : between;
      this.#root = merge(merge(before, removeReached(own, this.#limit)), after);
    } else this.#root = merge(before, after);
  }

  /** Visits the events that lack one to the limit, from one time to another, both included, in order of time. */
  visitLastOnes(from: Millis, to: Millis, visit: (event: FullEvent) => void): void {
    visitHighest(this.#root, this.#limit - 1, from, to, visit);
  }

  #drawPriority(): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return this.#random;
  }
}

interface Place {
  readonly time: Millis;
  readonly key: string;
}

function compare(one: Place, other: Place): number {
  if (one.time !== other.time) return one.time - other.time;
  return one.key < other.key ? -1 : one.key > other.key ? 1 : 0;
}

function shift(node: Node | undefined, by: number): void {
  if (!node) return;
  node.count += by;
  node.highest += by;
  node.pending += by;
}

function passDown(node: Node): void {
  if (node.pending === 0) return;
  shift(node.left, node.pending);
  shift(node.right, node.pending);
  node.pending = 0;
}

function update(node: Node): Node {
  node.highest = Math.max(node.count, node.left?.highest ?? node.count, node.right?.highest ?? node.count);
  return node;
}

/** Divides a tree into the nodes up to some place, for which `isBefore` is true, and the others. */
function split(
  node: Node | undefined,
  isBefore: (event: FullEvent) => boolean,
): [before: Node | undefined, after: Node | undefined] {
  if (!node) return [undefined, undefined];
  passDown(node);
  if (isBefore(node.event)) {
    const [before, after] = split(node.right, isBefore);
    node.right = before;
    return [update(node), after];
  }
  const [before, after] = split(node.left, isBefore);
  node.left = after;
  return [before, update(node)];
}

/** Joins two trees, of which all nodes of the first come before those of the second. */
function merge(one: Node | undefined, other: Node | undefined): Node | undefined {
  if (!one) return other;
  if (!other) return one;
  if (one.priority > other.priority) {
    passDown(one);
    one.right = merge(one.right, other);
    return update(one);
  }
  passDown(other);
  other.left = merge(one, other.left);
  return update(other);
}

/** Changes the count of the event at this place, if it is in the tree. */
function shiftOne(node: Node, place: Place, by: number): Node {
  passDown(node);
  const order = compare(place, node.event);
  if (order === 0) node.count += by;
  else if (order < 0 && node.left) shiftOne(node.left, place, by);
  else if (order > 0 && node.right) shiftOne(node.right, place, by);
  return update(node);
}

function removeReached(node: Node | undefined, limit: number): Node | undefined {
  if (!node || node.highest < limit) return node;
  passDown(node);
  node.left = removeReached(node.left, limit);
  node.right = removeReached(node.right, limit);
  return node.count >= limit ? merge(node.left, node.right) : update(node);
}

function visitHighest(
  node: Node | undefined,
  count: number,
  from: Millis,
  to: Millis,
  visit: (event: FullEvent) => void,
): void {
  if (!node || node.highest < count) return;
  passDown(node);
  const { time } = node.event;
  if (time >= from) visitHighest(node.left, count, from, to, visit);
  if (node.count === count && time >= from && time <= to) visit(node.event);
  if (time <= to) visitHighest(node.right, count, from, to, visit);
}
