import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from '../support/program.ts';

/** A process that is started again whenever it dies. */
export class Undying {
  readonly name: string;
  restarts = 0;
  frozen = 0;
  /** What it said when it died though nobody had killed it. */
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

  /** At work: it has come up, and is neither dead nor frozen. */
  get isReady(): boolean {
    return (
      this.#frozen !== this.#program &&
      this.#program?.stdout.includes('{"ready":true') === true &&
      !this.#program.over &&
      !this.#killed
    );
  }

  /** Resolves when the present process, or one after it, says that it is ready. */
  async ready(patience: number): Promise<void> {
    for (const until = Date.now() + patience; ; ) {
      const program = this.#program as Program;
      try {
        await program.ready(Math.max(1, until - Date.now()));
        return;
      } catch (error) {
        if (Date.now() >= until) throw error;
        // It died on the way: its successor is about to start.
        await pause(20);
      }
    }
  }

  /** SIGKILL; false when it is dead already. */
  killNow(): boolean {
    if (!this.#program || this.#program.over || this.#killed) return false;
    this.#killed = true;
    this.#program.kill('SIGKILL');
    return true;
  }

  /** SIGSTOP, and SIGCONT after `duration` milliseconds; nothing when it is not at work. */
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

  /** SIGTERM, and after `patience` milliseconds SIGKILL. Returns how it ended. */
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
