import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface ProgramOptions {
  readonly env?: { readonly [name: string]: string };
  /** Default: the checkout. */
  readonly cwd?: string;
  /** The user ID of the process; only root may set it. */
  readonly uid?: number;
  readonly gid?: number;
  /** Instead of `node`, for example a program that puts it behind a terminal. */
  readonly command?: readonly string[];
}

/** One line of `--json`. */
export interface Ready {
  readonly ready: true;
  readonly url: string | null;
  readonly health_url: string;
  readonly database: string;
  readonly tenant: string;
  readonly catalog_version: number;
  readonly pid: number;
}

/** The command line as a process of its own, the leader of a process group. */
export function tidings(args: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(['bin/tidings.mjs', ...args], options);
}

/** The same as it was built, without what makes it in front: starts faster. */
export function tidingsDirectly(args: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(['dist/tidings.mjs', ...args], options);
}

export class Program {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  #out = '';
  #err = '';
  #listeners = new Set<() => void>();
  #over = false;

  constructor(args: readonly string[], options: ProgramOptions) {
    const [command = process.execPath, ...before] = options.command ?? [];
    this.process = spawn(command, [...before, ...args], {
      cwd: options.cwd ?? ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_NO_WARNINGS: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      const lines = this.process[stream];
      if (!lines) continue;
      createInterface({ input: lines }).on('line', (line) => {
        if (stream === 'stdout') this.#out += `${line}\n`;
        else this.#err += `${line}\n`;
        for (const listener of this.#listeners) listener();
      });
    }
    this.process.on('error', (error) => {
      this.#err += `${error.message}\n`;
    });
    this.ended = once(this.process, 'close').then(([code, signal]) => {
      this.#over = true;
      for (const listener of this.#listeners) listener();
      return (signal ?? code) as number | NodeJS.Signals;
    });
    // A test that does not wait for the end ignores its failure.
    this.ended.catch(() => {});
  }

  get stdout(): string {
    return this.#out;
  }

  get stderr(): string {
    return this.#err;
  }

  get output(): string {
    return this.#out + this.#err;
  }

  get over(): boolean {
    return this.#over;
  }

  /** The first match in the output; throws when the program ends without it, or after `patience` milliseconds. */
  async says(pattern: RegExp, patience = 30_000): Promise<RegExpExecArray> {
    const find = () => pattern.exec(this.output);
    await this.#until(() => find() !== null || this.#over, patience);
    const match = find();
    if (match) return match;
    throw new Error(`the program ${this.#over ? 'ended' : 'went on'} without saying ${pattern}:\n${this.output}`);
  }

  /** For a program started with `--json`. */
  async ready(patience = 30_000): Promise<Ready> {
    const [line] = await this.says(/^\{"ready":true.*\}$/m, patience);
    return JSON.parse(line) as Ready;
  }

  /** To it alone; nothing when it is gone. */
  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** To its whole group, as the Ctrl-C of a terminal. */
  killGroup(signal: NodeJS.Signals): void {
    if (this.process.pid === undefined || this.#over) return;
    try {
      process.kill(-this.process.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async #until(done: () => boolean, patience: number): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        resolve();
      };
      const check = () => {
        if (done()) finish();
      };
      const timer = setTimeout(finish, patience);
      this.#listeners.add(check);
    });
  }
}
