import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { isAlive } from '../../embedded/processes.ts';
import { ConfigError } from '../../errors.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { runLocalCommand } from '../run-command.ts';
import { listRunning, type RunningProcess } from './running.ts';

/** Time (ms) to wait for the end of a process: a little longer than it takes itself. */
const MAX_STOP_MS = 15_000;
const POLL_MS = 100;

/** Adds the command `stop`. */
export function addStopCommand(program: Command): void {
  program
    .command('stop')
    .description('Stop the Tidings that runs from TIDINGS_DATA_DIR; work in progress is finished first')
    .option('--json', 'print one line of JSON')
    .action(({ json }: { json?: boolean }) =>
      runLocalCommand(json, async () => {
        const dataDir = resolve(process.env.TIDINGS_DATA_DIR || '.tidings');
        const stopped = listRunning(dataDir);
        for (const one of stopped) requestStop(one);
        await waitForEnd(stopped);
        const data = { stopped: stopped.map(({ pid, command, url }) => ({ pid, command, url })) };
        if (stopped.length === 0) return { data, lines: [`No Tidings runs from ${dataDir}.`] };
        const lines = stopped.map(({ pid, command, url }) => `Stopped tidings ${command} (process ${pid}, ${url}).`);
        return { data, lines };
      }),
    );
}

/** Sends SIGTERM, unless the process has ended and its pid may belong to another one by now. */
function requestStop(one: RunningProcess): void {
  if (!isAlive(one)) return;
  try {
    process.kill(one.pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') throw new ConfigError(`process ${one.pid} belongs to another user; stop it as that user`);
    if (code !== 'ESRCH') throw error;
  }
}

async function waitForEnd(processes: readonly RunningProcess[]): Promise<void> {
  const deadline = performance.now() + MAX_STOP_MS;
  while (processes.some(isAlive)) {
    if (performance.now() > deadline) {
      const left = processes.filter(isAlive).map(({ pid }) => pid);
      const seconds = MAX_STOP_MS / 1000;
      throw new ConfigError(
        `${formatCount(left.length, 'process', 'processes')} (${left.join(', ')}) did not stop within ${seconds} s; see its log, and end it with kill -9`,
      );
    }
    await pause(POLL_MS);
  }
}
