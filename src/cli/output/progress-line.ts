import type { DumpProgress } from '../../store/dump/write-dump.ts';

const PROGRESS_PAUSE_MS = 1000;
const MIB = 1024 * 1024;

/** Returns a function that prints progress to stderr, at most once a second. @param done such as `dumped` */
export function newProgressLine(done: string): (progress: DumpProgress) => void {
  let shown = performance.now();
  return ({ table, rows, bytes }) => {
    const now = performance.now();
    if (now - shown < PROGRESS_PAUSE_MS) return;
    shown = now;
    process.stderr.write(`${table}: ${(bytes / MIB).toFixed(1)} MiB ${done}; ${rows} rows of the tables before\n`);
  };
}
