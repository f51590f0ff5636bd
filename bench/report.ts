import { arch, cpus, platform, totalmem } from 'node:os';
import { alignColumns, formatNumber } from './columns.ts';
import { median } from './median.ts';
import type { Measured, Row } from './row.ts';

/** One row after all its rounds; what `--json` writes. */
export interface RowResult {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly against: string;
  readonly direction: Row['direction'];
  /** Medians. `ratio` is the median of the rounds' ratios, value / limit. */
  readonly value: number;
  readonly limit: number;
  readonly ratio: number;
  readonly at_least: number;
  readonly goal: number;
  /** The ratio of each round. */
  readonly rounds: readonly number[];
  readonly also?: { readonly [name: string]: number };
}

export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly memory_gib: number;
  readonly platform: string;
  readonly node: string;
  readonly postgres: string;
  readonly date: string;
}

export function summarize(row: Row, rounds: readonly Measured[]): RowResult {
  const ratios = rounds.map(({ value, limit }) => value / limit);
  const also = Object.keys(rounds[0]?.also ?? {}).map((name) => [name, median(rounds.map((r) => r.also?.[name] ?? 0))]);
  return {
    id: row.id,
    name: row.name,
    unit: row.unit,
    against: row.against,
    direction: row.direction,
    value: median(rounds.map(({ value }) => value)),
    limit: median(rounds.map(({ limit }) => limit)),
    ratio: median(ratios),
    at_least: row.atLeast,
    goal: row.goal,
    rounds: ratios,
    ...(also.length > 0 ? { also: Object.fromEntries(also) } : {}),
  };
}

export function machine(postgres: string): Machine {
  const all = cpus();
  return {
    cpus: all.length,
    model: all[0]?.model.trim() ?? 'unknown',
    memory_gib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    platform: `${platform()} ${arch()}`,
    node: process.version,
    postgres,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Formats a table: a line per row, with the spread of its rounds at the end. */
export function table(rows: readonly RowResult[]): string {
  const lines = [['', 'value', 'limit', 'ratio', 'at least', 'goal', '', 'rounds']];
  for (const row of rows) {
    const alone = row.limit === 1;
    const also = Object.entries(row.also ?? {}).map(([name, value]) => `, ${name} ${formatNumber(value)}`);
    lines.push([
      row.name,
      `${formatNumber(row.value)} ${row.unit}`,
      alone ? '–' : formatNumber(row.limit),
      alone ? '–' : row.ratio.toFixed(2),
      String(row.at_least),
      String(row.goal),
      verdict(row),
      `${formatNumber(Math.min(...row.rounds))} … ${formatNumber(Math.max(...row.rounds))}${also.join('')}`,
    ]);
  }
  return alignColumns(lines, (column) => column === 0 || column > 5);
}

function verdict({ ratio, at_least, goal, direction }: RowResult): string {
  const reaches = (mark: number) => (direction === 'higher' ? ratio >= mark : ratio <= mark);
  return reaches(goal) ? '✔ goal' : reaches(at_least) ? '✓ enough' : '✗ short';
}
