import { alignColumns, formatNumber } from '../columns.ts';
import { type Comparison, comparePairs, type Direction, judge, TOLERANCE, type Verdict } from './pairs.ts';

/** Result of a comparison of two revisions; `--json` writes it. */
export interface ComparisonReport {
  readonly this: Revision;
  readonly other: Revision;
  /** Pairs that were asked for; rows of a comparison that was stopped early have fewer ratios. */
  readonly pairs: number;
  readonly rounds: number;
  readonly events: number;
  readonly rows: readonly ComparedRow[];
  readonly failed: readonly { readonly id: string; readonly name: string; readonly failure: string }[];
  /** Rows that only one side has: they are not measured. */
  readonly unpaired: readonly { readonly id: string; readonly name: string; readonly only: 'this' | 'other' }[];
  readonly machine: { readonly [name: string]: unknown };
}

interface Revision {
  readonly commit: string;
  readonly subject: string;
}

export interface ComparedRow extends Comparison {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly direction: Direction;
  readonly verdict: Verdict;
  /** The values as shares of their limits, which each turn measures right before; absent where the row has no limit. */
  readonly of_limit?: Comparison;
  /** Further figures of the row, such as another percentile; they get no verdict. */
  readonly also: { readonly [name: string]: Comparison };
}

/** One side's turn, as far as a comparison needs it. */
interface Turn {
  readonly name: string;
  readonly unit: string;
  readonly direction: Direction;
  readonly value: number;
  readonly limit: number;
  readonly also: ReadonlyMap<string, number>;
}

interface TurnPair {
  readonly this: Turn;
  readonly other: Turn;
}

/** @param turns at least one pair; name, unit and direction are this side's */
export function reportRow(id: string, turns: readonly TurnPair[]): ComparedRow {
  const first = turns[0]?.this;
  if (!first) throw new Error(`${id} was not measured`);
  const { name, unit, direction } = first;
  const compared = compareTurns(turns, ({ value }) => value);
  const of_limit = first.limit === 1 ? {} : { of_limit: compareTurns(turns, ({ value, limit }) => value / limit) };
  const also = [...first.also.keys()]
    .filter((figure) => turns.every((pair) => pair.this.also.has(figure) && pair.other.also.has(figure)))
    .map((figure) => [figure, compareTurns(turns, (turn) => turn.also.get(figure) as number)] as const);
  const verdict = judge(compared, direction);
  return { id, name, unit, direction, ...compared, verdict, ...of_limit, also: Object.fromEntries(also) };
}

function compareTurns(turns: readonly TurnPair[], getFigure: (turn: Turn) => number): Comparison {
  return comparePairs(turns.map((pair) => ({ this: getFigure(pair.this), other: getFigure(pair.other) })));
}

/** Returns the report as text: the two revisions, a line a row, how to read it. */
export function formatComparison(report: ComparisonReport): string {
  const { this: ours, other: theirs, rows, failed, unpaired } = report;
  const lines = [['', 'this', 'other', '', 'better is', 'ratio', 'spread', '']];
  for (const row of rows) {
    lines.push([row.name, ...formatFigures(row, row.unit, row.direction), formatVerdict(row.verdict)]);
    if (row.of_limit) lines.push(['  of its limit', ...formatFigures(row.of_limit, '', row.direction), '']);
    for (const [figure, compared] of Object.entries(row.also)) {
      lines.push([`  ${figure}`, ...formatFigures(compared, row.unit, row.direction), '']);
    }
  }
  for (const { name, only } of unpaired) lines.push([name, '', '', '', '', '', '', `only in ${only}`]);
  for (const { name } of failed) lines.push([name, '', '', '', '', '', '', 'failed']);
  return [
    `this:  ${ours.commit} ${ours.subject}`,
    `other: ${theirs.commit} ${theirs.subject}`,
    '',
    alignColumns(lines, (column) => [0, 3, 4, 7].includes(column)),
    '',
    `ratio: this / other, the median of the pairs (${countPairs(report)}, ${report.events.toLocaleString('en')} events); ` +
      'spread: their lowest and highest.',
    'A ratio above 1 is good where higher is better, and bad where lower is better.',
    ...(rows.some(({ verdict }) => !verdict.clear)
      ? ['unclear: the pairs differ too much for their number. Measure more pairs, on a quiet machine.']
      : []),
    ...failed.flatMap(({ name, failure }) => ['', `${name}: ${failure}`]),
  ].join('\n');
}

function formatFigures({ this: ours, other, ratio, ratios }: Comparison, unit: string, direction: Direction): string[] {
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  return [formatNumber(ours), formatNumber(other), unit, direction, ratio.toFixed(2), spread];
}

function formatVerdict({ change, by, clear }: Verdict): string {
  const percent = `${Math.round((change === 'same' ? TOLERANCE : by) * 100)}%`;
  const text = change === 'same' ? `within ${percent}` : `${change} by ${percent}`;
  return clear ? text : `${text}, unclear`;
}

function countPairs({ pairs, rows }: ComparisonReport): string {
  const counts = rows.map(({ ratios }) => ratios.length);
  const fewest = Math.min(pairs, ...counts);
  return fewest === pairs ? `${pairs}` : `${fewest} to ${Math.max(...counts)} of ${pairs}`;
}
