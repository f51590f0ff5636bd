import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { type BenchProgram, describeFailure } from './bench-program.ts';
import { type ListedRow, parseRejectedName, parseRowList } from './row-list.ts';

/** Amount that is measured in one turn. */
export interface TurnSize {
  /** Rounds, whose median is the value of the turn. */
  readonly rounds: number;
  readonly events: number;
}

const MEASURED = z.object({
  name: z.string(),
  unit: z.string(),
  direction: z.enum(['higher', 'lower']),
  value: z.number(),
  // 1 for a row without a limit.
  limit: z.number(),
  // JSON has no Infinity: null is a figure that was never reached.
  also: z.record(z.string(), z.number().nullable()).optional(),
});

const RESULT = z.object({ rows: z.array(MEASURED), machine: z.record(z.string(), z.unknown()) });

/** One row after one turn. */
export interface Turn extends Omit<z.infer<typeof MEASURED>, 'also'> {
  /** Further figures of the row by name, in its unit. */
  readonly also: ReadonlyMap<string, number>;
  /** The machine as the bench describes it. */
  readonly machine: { readonly [name: string]: unknown };
}

/**
 * Returns the rows that the bench of this revision can measure. The first run on a revision installs and builds what is
 * missing.
 */
export async function listRows(bench: BenchProgram): Promise<ListedRow[]> {
  const listed = await bench.run(['--list']);
  if (listed.code === 0) return parseRowList(listed.stdout);
  if (!listed.stderr.includes('unknown option')) throw describeFailure(listed);
  const rejected = await bench.run(['no row has this name']);
  const rows = parseRejectedName(rejected.stderr);
  if (rows.length === 0) throw describeFailure(rejected);
  return rows;
}

/**
 * Measures one row in a process and on a PostgreSQL of its own.
 * @param file where the bench may write its result; removed afterwards
 */
export async function measureRow(bench: BenchProgram, row: ListedRow, size: TurnSize, file: string): Promise<Turn> {
  const { rounds, events } = size;
  const run = await bench.run([row.selector, '--rounds', `${rounds}`, '--events', `${events}`, '--json', file]);
  if (run.code !== 0) throw describeFailure(run);
  const { rows, machine } = RESULT.parse(JSON.parse(readFileSync(file, 'utf8')));
  rmSync(file);
  const measured = rows.find(({ name }) => name === row.name);
  if (!measured) throw new Error(`its bench did not measure ${row.name}`);
  const also = Object.entries(measured.also ?? {}).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  );
  return { ...measured, also: new Map(also), machine };
}
