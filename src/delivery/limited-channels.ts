import type pg from 'pg';
import type { Logger } from 'pino';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { ChannelLimits } from '../model/rate-limit.ts';
import { deleteIdleLimits, loadLimitedChannels } from '../store/deliveries/rate-limits.ts';

/** Interval in ms at which it is looked up which channels are limited; tenants change their settings and accounts. */
const LOOK_MS: Millis = 10_000;
/** Interval in ms at which what is known of limits that are not used is deleted. */
const CLEAN_MS: Millis = 3_600_000;

/**
 * The channels on which lanes differ: some tenant has an account or a limit of its own. A channel that becomes one is noticed
 * after LOOK_MS; until then its limits hold all the same, but deliveries are claimed before they are put off.
 */
export class LimitedChannels {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #always: ReadonlySet<Channel>;
  #channels: ReadonlySet<Channel> = new Set();
  #cleanedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** @param installation limits of the installation, whose channels are always limited */
  constructor(pool: pg.Pool, installation: ChannelLimits, log: Logger) {
    this.#pool = pool;
    this.#log = log;
    this.#always = new Set(Object.keys(installation) as Channel[]);
  }

  /** Resolves when they are known. */
  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#look();
    }, LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  has(channel: Channel): boolean {
    return this.#always.has(channel) || this.#channels.has(channel);
  }

  async #look(): Promise<void> {
    try {
      this.#channels = new Set(await loadLimitedChannels(this.#pool));
      if (performance.now() - this.#cleanedAt < CLEAN_MS) return;
      this.#cleanedAt = performance.now();
      await deleteIdleLimits(this.#pool);
    } catch (error) {
      this.#log.debug({ err: error }, 'the channels with limits could not be looked up');
    }
  }
}
