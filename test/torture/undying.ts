import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from '../support/program.ts';

/** A process that is started again whenever it dies. */
export class Undying {
  readonly name: string;
  restarts = 0;
  frozen = 0;
  /** The output of processes that died without being killed. */
  readonly diedByItself: string[] = [];
  readonly #spawn: () => Program;
  #program: Program | undefined;
  #frozen: Program | undefined;
  #killed = false;
  #ending = false;

  constructor(name: string, spawn: () => Program) {
    this.name = name;
    this.#spawn = spawn;
  }

  start(): void {
    this.#killed = false;
    const program = this.#spawn();
    this.#program = program;
    void program.ended.then((how) => {
      if (this.#ending) return;
      if (!this.#killed) this.diedByItself.push(`${this.name} ended with ${how}: ${program.output.slice(-2000)}`);
      this.restarts++;
      this.start();
    });
  }

  /** Whether it is ready, and neither dead nor frozen. */
  get isReady(): boolean {
    return (
      this.#frozen !== this.#program &&
      this.#program?.stdout.includes('{"ready":true') === true &&
      !this.#program.over &&
      !this.#killed
    );
  }

  /** Resolves when the present process, or a later one, reports that it is ready. */
  async ready(patience: number): Promise<void> {
    for (const until = Date.now() + patience; ; ) {
      const program = this.#program as Program;
      try {
        await program.ready(Math.max(1, until - Date.now()));
        return;
      } catch (error) {
        if (Date.now() >= until) throw error;
        // It died while starting: its successor is about to start.
        await pause(20);
      }
    }
  }

  /** Sends SIGKILL; returns false if it is dead already. */
  killNow(): boolean {
    if (!this.#program || this.#program.over || this.#killed) return false;
    this.#killed = true;
    this.#program.kill('SIGKILL');
    return true;
  }

  /** Sends SIGTERM; it is started again when it has ended. Does nothing if it is not running. */
  restart(): void {
    if (!this.isReady) return;
    this.#killed = true;
    this.#program?.kill('SIGTERM');
  }

  /** The id of the present process. */
  get pid(): number | undefined {
    return this.#program?.process.pid;
  }

  /** Sends SIGSTOP, and SIGCONT after `duration` ms; does nothing if it is not running. */
  freeze(duration: number): void {
    const program = this.#program;
    if (!program || !this.isReady) return;
    this.frozen++;
    this.#frozen = program;
    program.kill('SIGSTOP');
    setTimeout(() => {
      program.kill('SIGCONT');
      if (this.#frozen === program) this.#frozen = undefined;
    }, duration);
  }

  /** Sends SIGTERM, and after `patience` ms SIGKILL. Returns the exit code or signal. */
  async end(patience: number): Promise<number | NodeJS.Signals | undefined> {
    this.#ending = true;
    const program = this.#program;
    if (!program) return undefined;
    program.kill('SIGCONT');
    program.kill('SIGTERM');
    const timer = setTimeout(() => program.kill('SIGKILL'), patience);
    const how = await program.ended;
    clearTimeout(timer);
    return how;
  }
}
