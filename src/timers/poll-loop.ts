import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { Millis } from '../model/event.ts';
import type { Notice } from '../store/pg/listen-connection.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import type { QueueFloor } from '../store/pg/queue-floor.ts';
import { TIMERS_CHANNEL } from '../store/waits/waits.ts';
import type { Pace } from './pace.ts';

/** One kind of work that becomes due. */
export interface PollSource {
  /** Claims a batch of what is due and does it. Returns whether more is likely due. */
  runDue(): Promise<boolean>;

  /**
   * Returns when the next item that is not claimed is due; null: no item is pending. Without this method, each item is
   * announced by NOTIFY.
   */
  loadNextDue?(): Promise<Millis | null>;

  /** Start of the queue, as far as is known. */
  readonly floor?: QueueFloor;
}

export interface PollLoopOptions {
  readonly databaseUrl: string;
  /**
   * Run in this order, each once per round, so that none of them blocks the others. Those that the pace holds back, because
   * others used it up, come first in the next round.
   */
  readonly sources: readonly PollSource[];
  readonly pace: Pace;
  readonly clock: () => Millis;
  /** Whether this process may act now: not while its clock is wrong. Default: always. */
  readonly mayAct?: () => boolean;
  readonly log: Logger;
  /** Longest pause between two rounds in ms, and the pause after an error. */
  readonly poll: Millis;
  /** A monotonic clock in ms. Default: that of the process. */
  readonly elapsed?: () => Millis;
}

/** Items that are due later than ANNOUNCE_AHEAD_MS of store/waits/waits.ts are not announced: the loop never sleeps as long. */
const MAX_SLEEP_MS = 30_000;

/**
 * Runs its sources round after round while anything is due, and sleeps in between: until a NOTIFY, until the next item is
 * due, as long as the pace demands, or for the poll interval.
 */
export class PollLoop {
  readonly #options: PollLoopOptions;
  readonly #signal = new Signal();
  readonly #progress: Progress;
  readonly #listener: NotifyListener;
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(options: PollLoopOptions) {
    this.#options = options;
    this.#progress = new Progress(options.elapsed);
    this.#listener = new NotifyListener(options.databaseUrl, TIMERS_CHANNEL, (notice) => this.wake(notice));
  }

  async start(): Promise<void> {
    await this.#listener.start();
    this.#done = this.#run();
  }

  /** Starts the next round now. */
  wake({ dueAt, missed }: Notice = {}): void {
    for (const { floor } of this.#options.sources) {
      if (missed) floor?.reset();
      if (dueAt !== undefined) floor?.lower(dueAt);
    }
    this.#signal.set();
  }

  /** Resolves when the batch under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#signal.set();
    await this.#listener.stop();
    await this.#done;
  }

  /** Time (ms) since a source was last asked. */
  get idleTime(): Millis {
    return this.#progress.idleTime;
  }

  async #run(): Promise<void> {
    const { clock, poll, log, mayAct = () => true } = this.#options;
    let first = 0;
    while (!this.#stopping) {
      try {
        if (!mayAct()) {
          this.#progress.mark();
          await this.#signal.sleep(poll);
          continue;
        }
        const startedAt = clock();
        const { hasMore, heldBack } = await this.#runRound(first);
        first = heldBack ?? 0;
        if (!hasMore) await this.#signal.sleep(await this.#untilNextDue(startedAt));
      } catch (error) {
        log.warn({ err: error }, 'timers could not be read; trying again');
        if (!this.#stopping) await this.#signal.sleep(poll);
      }
    }
  }

  /**
   * Asks each source once, beginning with this one.
   * @returns whether more is likely due, and the place of the first source that the pace held back, if any
   */
  async #runRound(first: number): Promise<{ readonly hasMore: boolean; readonly heldBack: number | undefined }> {
    const { sources, pace } = this.#options;
    const places = sources.map((_, turn) => (first + turn) % sources.length);
    let hasMore = false;
    let heldBack: number | undefined;
    for (const place of places) {
      this.#progress.mark();
      if (this.#stopping) break;
      const isHeld = pace.delay() > 0;
      const didWork = (await sources[place]?.runDue()) ?? false;
      if (didWork) hasMore = true;
      else if (isHeld) heldBack ??= place;
    }
    return { hasMore, heldBack };
  }

  /**
   * Returns how long to sleep in ms.
   * @param startedAt when the round started: an item that was due then and is still not claimed is left to other workers
   */
  async #untilNextDue(startedAt: Millis): Promise<Millis> {
    const { sources, pace, clock, poll } = this.#options;
    const longest = Math.min(poll, MAX_SLEEP_MS);
    let due = Number.POSITIVE_INFINITY;
    for (const source of sources) due = Math.min(due, (await source.loadNextDue?.()) ?? due);
    const delay = pace.delay();
    if (delay > 0 && due <= clock()) return Math.min(delay, longest);
    return due <= startedAt ? longest : Math.min(longest, Math.max(0, due - clock()));
  }
}
