import { arch, cpus, platform, totalmem } from 'node:os';
import type { Measured, Row } from './row.ts';

/** One row after all its rounds; what `--json` writes. */
export interface RowResult {
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

export function summarise(row: Row, rounds: readonly Measured[]): RowResult {
  const ratios = rounds.map(({ value, limit }) => value / limit);
  const also = Object.keys(rounds[0]?.also ?? {}).map((name) => [name, median(rounds.map((r) => r.also?.[name] ?? 0))]);
  return {
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

/** For people: a line a row, the rounds' spread at the end. */
export function table(rows: readonly RowResult[]): string {
  const lines = [['', 'value', 'limit', 'ratio', 'at least', 'goal', '', 'rounds']];
  for (const row of rows) {
    const alone = row.limit === 1;
    const also = Object.entries(row.also ?? {}).map(([name, value]) => `, ${name} ${number(value)}`);
    lines.push([
      row.name,
      `${number(row.value)} ${row.unit}`,
      alone ? '–' : number(row.limit),
      alone ? '–' : row.ratio.toFixed(2),
      String(row.at_least),
      String(row.goal),
      verdict(row),
      `${number(Math.min(...row.rounds))} … ${number(Math.max(...row.rounds))}${also.join('')}`,
    ]);
  }
  const widths = (lines[0] as string[]).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] as string).length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, i) => (i === 0 || i > 5 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function verdict({ ratio, at_least, goal, direction }: RowResult): string {
  const reaches = (mark: number) => (direction === 'higher' ? ratio >= mark : ratio <= mark);
  return reaches(goal) ? '✔ goal' : reaches(at_least) ? '✓ enough' : '✗ short';
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

function number(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
