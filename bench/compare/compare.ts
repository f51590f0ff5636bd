import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatNumber } from '../columns.ts';
import { selectRows } from '../select-rows.ts';
import { BenchProgram } from './bench-program.ts';
import { type Checkout, copyWorkingTree, extractRevision } from './checkout.ts';
import { type ComparisonReport, reportRow } from './comparison.ts';
import type { ListedRow } from './row-list.ts';
import { listRows, measureRow, type Turn, type TurnSize } from './side.ts';

export interface CompareOptions extends TurnSize {
  /** The checkout, which is `this` in the report. */
  readonly root: string;
  /** Any revision of its repository; `other` in the report. */
  readonly revision: string;
  /** Words that select rows; all rows without any. */
  readonly words: readonly string[];
  /** Turns of each side. */
  readonly pairs: number;
}

/** A row that both sides have, and the turns it had so far. */
interface SharedRow {
  readonly id: string;
  readonly this: ListedRow;
  readonly other: ListedRow;
  readonly turns: TurnPair[];
  failure?: string;
}

interface TurnPair {
  readonly this: Turn;
  readonly other: Turn;
}

type Side = keyof TurnPair;

const SIDES: readonly Side[] = ['this', 'other'];

/**
 * Measures this checkout and another revision in turns, row by row, one process at a time. Each side runs its own bench on
 * copies in a temporary folder, which is removed at the end. A row that fails on one side is not measured again.
 * @param say gets lines of progress
 * @param signal ends it early: the report then holds the pairs that were complete
 * @throws Error when a revision cannot be measured at all, or no row has one of the words
 */
export async function compareRevisions(
  options: CompareOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ComparisonReport> {
  const { root, revision, words, pairs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tidings-against-'));
  // PostgreSQL, when it runs as another user, must get through to a revision's own packages.
  chmodSync(folder, 0o711);
  try {
    const checkouts = {
      other: await extractRevision(root, revision, join(folder, 'other')),
      this: await copyWorkingTree(root, join(folder, 'this')),
    };
    const benches = {
      this: new BenchProgram(checkouts.this.folder, signal),
      other: new BenchProgram(checkouts.other.folder, signal),
    };
    for (const side of SIDES) say(describeSide(side, checkouts[side]));
    const ours = await onSide('this', listRows(benches.this));
    const theirs = await onSide('other', listRows(benches.other));
    const { shared, unpaired } = matchRows(ours, theirs, words);
    if (shared.length + unpaired.length === 0) throw new Error('No row has one of these words: --list shows the rows.');

    const progress = startProgress(pairs * shared.length, say);
    for (let pair = 1; pair <= pairs; pair++) {
      // The sides begin in turns, because a machine that slows down would otherwise favor one side.
      const order = pair % 2 === 1 ? SIDES : SIDES.toReversed();
      for (const row of shared) {
        if (signal.aborted || row.failure !== undefined) continue;
        try {
          const turns = await measurePair(benches, row, order, options, join(folder, 'result.json'));
          row.turns.push(turns);
          progress(`${row.id}, pair ${pair} of ${pairs}: ${describePair(turns)}`);
        } catch (error) {
          if (signal.aborted) continue;
          row.failure = (error as Error).message;
          progress(`${row.id}, pair ${pair} of ${pairs}: ${row.failure}`);
        }
      }
    }
    return {
      this: nameOf(checkouts.this),
      other: nameOf(checkouts.other),
      pairs,
      rounds: options.rounds,
      events: options.events,
      rows: shared.filter(({ turns }) => turns.length > 0).map(({ id, turns }) => reportRow(id, turns)),
      failed: shared.flatMap(({ id, this: { name }, failure }) =>
        failure === undefined ? [] : [{ id, name, failure }],
      ),
      unpaired,
      machine: shared.flatMap(({ turns }) => turns)[0]?.this.machine ?? {},
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Pairs the rows that a word selects on either side: a name may have been reworded, the id has not. */
function matchRows(ours: readonly ListedRow[], theirs: readonly ListedRow[], words: readonly string[]) {
  const selected = new Set([ours, theirs].flatMap((rows) => selectRows(rows, words).map(({ id }) => id)));
  const byId = new Map(theirs.map((row) => [row.id, row]));
  const wanted = ours.filter(({ id }) => selected.has(id));
  const shared = wanted.flatMap((row): SharedRow[] => {
    const other = byId.get(row.id);
    return other ? [{ id: row.id, this: row, other, turns: [] }] : [];
  });
  const ids = new Set(shared.map(({ id }) => id));
  const alone = (rows: readonly ListedRow[], only: Side) =>
    rows.filter(({ id }) => selected.has(id) && !ids.has(id)).map(({ id, name }) => ({ id, name, only }));
  return { shared, unpaired: [...alone(ours, 'this'), ...alone(theirs, 'other')] };
}

/** @throws Error when one side fails, or the sides measure in different units */
async function measurePair(
  benches: { readonly [side in Side]: BenchProgram },
  row: SharedRow,
  order: readonly Side[],
  size: TurnSize,
  file: string,
): Promise<TurnPair> {
  const turns: Partial<Record<Side, Turn>> = {};
  for (const side of order) turns[side] = await onSide(side, measureRow(benches[side], row[side], size, file));
  const both = turns as TurnPair;
  if (both.this.unit !== both.other.unit) {
    throw new Error(`this measures ${both.this.unit}, other ${both.other.unit}`);
  }
  return both;
}

/** Says of an error on which side it happened. */
async function onSide<T>(side: Side, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new Error(`${side}: ${(cause as Error).message}`, { cause });
  }
}

/** Returns a function that says a line with the time that is left, once a step. */
function startProgress(steps: number, say: (line: string) => void): (line: string) => void {
  const start = performance.now();
  let done = 0;
  return (line) => {
    done++;
    const left = ((performance.now() - start) / done) * (steps - done);
    say(done < steps ? `${line} (about ${Math.ceil(left / 60_000)} min left)` : line);
  };
}

function describeSide(side: Side, { commit, subject, isLinked }: Checkout): string {
  return `${side}: ${commit} ${subject}${isLinked ? '' : ' (with packages of its own, installed now)'}`;
}

function describePair({ this: ours, other: theirs }: TurnPair): string {
  const values = `this ${formatNumber(ours.value)}, other ${formatNumber(theirs.value)} ${ours.unit}`;
  return `${values}, ratio ${(ours.value / theirs.value).toFixed(2)}`;
}

function nameOf({ commit, subject }: Checkout) {
  return { commit, subject };
}
