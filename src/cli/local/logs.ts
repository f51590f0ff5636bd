import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { runLocalCommand } from '../run-command.ts';
import { listRunning } from './running.ts';

const MAX_LINES = 10_000;

/** The end of a log that is read, at most. */
const MAX_READ_BYTES = 8 * 1024 * 1024;

/** Adds the command `logs`. */
export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .description('Print the end of the log of the Tidings that runs from TIDINGS_DATA_DIR, or say where its log goes')
    .option('--lines <n>', 'the most lines to print', parseLines, 100)
    .option('--database', 'the log of the embedded PostgreSQL instead')
    .option('--json', 'print one line of JSON')
    .action(({ lines: count, database, json }: { lines: number; database?: boolean; json?: boolean }) =>
      runLocalCommand(json, async () => {
        const dataDir = resolve(process.env.TIDINGS_DATA_DIR || '.tidings');
        if (database) {
          const file = join(dataDir, 'postgres.log');
          const lines = await readEnd(file, count);
          return lines === null
            ? { data: { logs: [] }, lines: [`There is no ${file}: no embedded PostgreSQL has run there.`] }
            : { data: { logs: [{ file, lines }] }, lines };
        }
        const logs = await Promise.all(
          listRunning(dataDir).map(async ({ log: file, pid, command }) => {
            return { pid, command, file, lines: file === null ? null : await readEnd(file, count) };
          }),
        );
        const lines = logs.flatMap(({ pid, command, file, lines: found }) => {
          const name = `tidings ${command} (process ${pid})`;
          return found === null
            ? [`The log of ${name} goes to its terminal, or to the program that started it.`]
            : [`==> ${name}: ${file}`, ...found];
        });
        const hint = 'To keep a log: npm start 2>> tidings.log';
        if (logs.length === 0) return { data: { logs }, lines: [`No Tidings runs from ${dataDir}. ${hint}`] };
        return { data: { logs }, lines: logs.some(({ file }) => file === null) ? [...lines, hint] : lines };
      }),
    );
}

/** Returns the last lines of a file; null: it cannot be read. */
async function readEnd(file: string, count: number): Promise<string[] | null> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, MAX_READ_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.subarray(0, bytesRead).toString().replace(/\n$/, '').split('\n');
    return (size > length ? lines.slice(1) : lines).slice(-count);
  } finally {
    await handle.close();
  }
}

function parseLines(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= MAX_LINES) return Number(text);
  throw new InvalidArgumentError(`Write a whole number from 1 to ${MAX_LINES}.`);
}
