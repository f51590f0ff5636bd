import type pg from 'pg';
import { suspendClock } from '../../lib/suspend-clock.ts';
import type { Millis } from '../../model/event.ts';

/** Difference between the clock of a process and that of the database from which on it is reported. */
export const REPORTED_OFFSET_MS: Millis = 2000;

/** The same from which on the process no longer acts. */
export const MAX_OFFSET_MS: Millis = 5000;

const MEASURE_INTERVAL_MS: Millis = 10_000;

/** A response that takes longer tells the time less exactly than is needed, and is not used. */
const MAX_ROUND_TRIP_MS: Millis = 1000;
/** Measurements at start, of which the one with the shortest round trip counts. */
const FIRST_MEASUREMENTS = 3;

export interface DatabaseClockOptions {
  /** The clock of this machine, which may be set at any time. */
  readonly wallClock: () => Millis;
  /** A monotonic clock in ms. Default: `suspendClock`. */
  readonly elapsed?: () => Millis;
  /** Interval of the measurements in ms. */
  readonly interval?: Millis;
  /** Called when the process begins to be off, with `describe()`, and when it is right again, with null. */
  readonly onChange?: (offset: string | null) => void;
}

/** The time of the database at a reading of the monotonic clock, at most `uncertainty` ms wrong. */
interface Measurement {
  readonly elapsed: Millis;
  readonly time: Millis;
  readonly uncertainty: Millis;
}

/**
 * The clock of the database, which all processes go by: read periodically, and counted on from there by a monotonic clock. It
 * does not depend on the clock of this machine. If that is wrong by more than MAX_OFFSET_MS, the process is to say so, and not
 * to act: what else goes by it (certificates, logs, signatures of providers) would be wrong.
 */
export class DatabaseClock {
  readonly #pool: pg.Pool;
  readonly #options: DatabaseClockOptions;
  readonly #elapsed: () => Millis;
  #measured: Measurement | undefined;
  #last: Millis = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #measuring: Promise<void> | undefined;
  #wasOff = false;

  constructor(pool: pg.Pool, options: DatabaseClockOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#elapsed = options.elapsed ?? suspendClock();
  }

  /** Resolves after the first measurement. Throws if the database cannot be reached. */
  async start(): Promise<void> {
    for (let measurement = 1; measurement <= FIRST_MEASUREMENTS; measurement++) await this.#measure();
    const { interval = MEASURE_INTERVAL_MS } = this.#options;
    this.#timer = setInterval(() => {
      // Without the database, the monotonic clock counts on.
      this.#measuring ??= this.#measure()
        .catch(() => {})
        .finally(() => {
          this.#measuring = undefined;
        });
    }, interval).unref();
    this.isRight();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#measuring;
  }

  /** Returns the time of the database in whole ms. It never goes back, unless the database's clock was set. */
  readonly now = (): Millis => {
    this.#last = Math.max(this.#last, Math.floor(this.#predict(this.#elapsed())));
    return this.#last;
  };

  /** Returns whether the clock of this process is right, so that it may act. */
  readonly isRight = (): boolean => {
    const isOff = Math.abs(this.offset()) > MAX_OFFSET_MS + (this.#measured?.uncertainty ?? 0);
    if (isOff !== this.#wasOff) this.#options.onChange?.(isOff ? this.#describeOffset() : null);
    this.#wasOff = isOff;
    return !isOff;
  };

  /** Returns `ok`, or how far the clock of this process is off: `370 d ahead of the database`. */
  describe(): string {
    return this.isRight() ? 'ok' : this.#describeOffset();
  }

  /** Returns how far the clock of this process is ahead of the database, in ms; negative: it is behind. */
  readonly offset = (): Millis => this.#options.wallClock() - this.#predict(this.#elapsed());

  #describeOffset(): string {
    const offset = this.offset();
    const seconds = Math.abs(offset) / 1000;
    const [size, unit] = UNITS.find(([least]) => seconds >= 2 * least) ?? [1, 's'];
    return `${Math.round(seconds / size)} ${unit} ${offset > 0 ? 'ahead of' : 'behind'} the database`;
  }

  #predict(elapsed: Millis): Millis {
    return this.#measured ? this.#measured.time + (elapsed - this.#measured.elapsed) : this.#options.wallClock();
  }

  async #measure(): Promise<void> {
    const connection = await this.#pool.connect();
    let sent: Millis;
    let received: Millis;
    let time: Millis | undefined;
    try {
      sent = this.#elapsed();
      const { rows } = await connection.query<{ now: Millis }>({
        name: 'read-clock',
        text: 'select clock_timestamp() as now',
      });
      received = this.#elapsed();
      time = rows[0]?.now;
      connection.release();
    } catch (error) {
      connection.release(true);
      throw error;
    }
    const roundTrip = received - sent;
    if (time === undefined || (roundTrip > MAX_ROUND_TRIP_MS && this.#measured)) return;
    this.#accept({ elapsed: received, time: time + roundTrip / 2, uncertainty: roundTrip / 2 });
  }

  /** Uses a measurement if it is more exact than what is known, or contradicts it. */
  #accept(found: Measurement): void {
    const difference = found.time - this.#predict(found.elapsed);
    const known = this.#measured;
    const agrees = known !== undefined && Math.abs(difference) <= found.uncertainty + known.uncertainty;
    if (agrees && found.uncertainty >= known.uncertainty) return;
    this.#measured = found;
    // The clock of the database was set back.
    if (difference < -MAX_OFFSET_MS) this.#last = Number.NEGATIVE_INFINITY;
  }
}

const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;
