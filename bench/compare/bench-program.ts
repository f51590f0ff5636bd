import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Exit code and output of one run of a bench; `code` is null when a signal ended it. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Time within which a bench has started PostgreSQL, ms. */
const MAX_START_MS = 20_000;

/** The bench of one revision, run as its package.json says: its own code on its own sources. */
export class BenchProgram {
  readonly #folder: string;
  readonly #args: readonly string[];
  readonly #signal: AbortSignal;

  /**
   * @param folder a revision, laid out
   * @param signal ends a run; PostgreSQL, which the run started, is stopped with it
   * @throws Error when the revision has no bench that can be run
   */
  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#args = readBenchArgs(folder);
    this.#signal = signal;
  }

  /** @throws the signal's reason when it ended the run */
  async run(args: readonly string[]): Promise<Run> {
    this.#signal.throwIfAborted();
    const child = spawn(process.execPath, [...this.#args, ...args], {
      cwd: this.#folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C reaches this process alone, which then ends the other in order.
      detached: process.platform !== 'win32',
    });
    const output = { stdout: '', stderr: '' };
    const closed = once(child, 'close') as Promise<[number | null]>;
    const isUp = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        output.stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        output.stderr += chunk;
        if (output.stderr.includes('PostgreSQL is up')) resolve();
      });
    });
    const stop = async () => {
      // A bench that is still starting PostgreSQL does not listen to signals, and would leave the server behind.
      await Promise.race([isUp, closed.catch(() => {}), pause(MAX_START_MS, undefined, { ref: false })]);
      terminate(child);
    };
    this.#signal.addEventListener('abort', stop, { once: true });
    try {
      const [code] = await closed;
      this.#signal.throwIfAborted();
      return { code, ...output };
    } finally {
      this.#signal.removeEventListener('abort', stop);
    }
  }
}

/** Returns an Error that quotes the end of what a failed run said. */
export function describeFailure({ code, stderr }: Run): Error {
  const lines = stderr.trim().split('\n').slice(-20);
  return new Error(`its bench ended with ${code}:\n  ${lines.join('\n  ')}`);
}

/** Returns the arguments of `node` in the script `bench`: run without npm, which passes signals on to its shell only. */
function readBenchArgs(folder: string): string[] {
  let script: unknown;
  try {
    script = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts.bench;
  } catch {
    // The revision has no bench.
  }
  const [command, ...args] = typeof script === 'string' ? script.split(' ') : [];
  if (command !== 'node')
    throw new Error(`the revision has no bench that Node runs: its script is ${script ?? 'absent'}`);
  return args;
}

/** Returns the environment without what npm says of its own package: it would mislead an npm that installs the other one. */
function environment(): NodeJS.ProcessEnv {
  const misleading = /^(npm_package_.*|npm_config_local_prefix|INIT_CWD)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !misleading.test(name)));
}

function terminate(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  if (process.platform === 'win32') child.kill();
  // The whole group, with an npm that installs or a generator. PostgreSQL has a group of its own.
  else process.kill(-child.pid, 'SIGTERM');
}
