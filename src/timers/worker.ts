import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { RulesRelay, type RulesRelayOptions } from '../outbox/rules-relay.ts';
import { WebhookRelay } from '../outbox/webhook-relay.ts';
import { Pace } from './pace.ts';
import { PollLoop } from './poll-loop.ts';
import { ScheduleTimer, type ScheduleTimerOptions } from './schedules.ts';
import { WaitTimer, type WaitTimerOptions } from './waits.ts';

/** The part of the pipeline that the timers use. Repeating a call has no effect. */
export type TimedPipeline = WaitTimerOptions['pipeline'] &
  ScheduleTimerOptions['pipeline'] &
  RulesRelayOptions['pipeline'];

export interface TimerWorkerOptions {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly pipeline: TimedPipeline;
  readonly calendar: ScheduleTimerOptions['calendar'];
  readonly clock: () => Millis;
  /** Whether this process may act now: not while its clock is wrong. Default: always. */
  readonly mayAct?: () => boolean;
  /** A monotonic clock in ms, for the pace. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
  /** Users per second whose timers fire in this process, at most. Default 500. */
  readonly rate?: number;
  /** Duration of a claim in ms. Default 60 s. */
  readonly lease?: Millis;
  /** Longest pause between two looks at the queues in ms, for when a NOTIFY was missed. Default 1 s. */
  readonly poll?: Millis;
}

/**
 * Does what becomes due as time passes: relays lifecycle events to the rules and facts to endpoints of webhooks, fires waits and
 * fires scheduled rules.
 *
 * Several workers share the work through claims. A claim of a worker that stopped expires, and the work is claimed again;
 * the transaction of each step ensures that nothing happens twice.
 */
export class TimerWorker {
  readonly #waits: WaitTimer;
  readonly #loop: PollLoop;

  constructor({ rate = 500, lease = 60_000, poll = 1000, ...options }: TimerWorkerOptions) {
    const { pool, databaseUrl, pipeline, calendar, clock, mayAct = () => true, elapsed, log } = options;
    const pace = new Pace(rate, elapsed);
    this.#waits = new WaitTimer({ pool, pipeline, pace, clock, log, lease });
    const relay = new RulesRelay({ pool, pipeline, clock, log, lease });
    const webhooks = new WebhookRelay({ pool, clock, log, lease });
    const schedules = new ScheduleTimer({ pool, pipeline, calendar, pace, clock, elapsed, log, lease, poll });
    const sources = [relay, webhooks, this.#waits, schedules];
    this.#loop = new PollLoop({ databaseUrl, sources, pace, clock, mayAct, log, poll, elapsed });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  /** Looks at the queues now. @param dueAt when the first of what was announced is due */
  wake(dueAt?: Millis): void {
    this.#loop.wake(dueAt === undefined ? {} : { dueAt });
  }

  /** Claims nothing more, and resolves when what was claimed is done. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Time (ms) since the loop made progress, for health reports. */
  get idleTime(): Millis {
    return this.#loop.idleTime;
  }

  /** Time in ms that the oldest wait of the last batch had been due, for health reports. */
  get behind(): Millis {
    return this.#waits.behind;
  }
}
