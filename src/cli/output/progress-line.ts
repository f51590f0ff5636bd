import type { DumpProgress } from '../../store/dump/write-dump.ts';

const PROGRESS_PAUSE_MS = 1000;
const MIB = 1024 * 1024;

/**
 * Returns a function that prints progress to stderr, at most once a second.
 * @param describe returns the line; null: nothing to print
 */
export function newProgressLine<Progress>(
  describe: (progress: Progress) => string | null,
): (progress: Progress) => void {
  let shown = performance.now();
  return (progress) => {
    const now = performance.now();
    if (now - shown < PROGRESS_PAUSE_MS) return;
    const line = describe(progress);
    if (line === null) return;
    shown = now;
    process.stderr.write(`${line}\n`);
  };
}

/** Returns a function that prints the progress of a dump. @param done such as `dumped` */
export function newDumpProgressLine(done: string): (progress: DumpProgress) => void {
  return newProgressLine(
    ({ table, rows, bytes }) => `${table}: ${(bytes / MIB).toFixed(1)} MiB ${done}; ${rows} rows of the tables before`,
  );
}
