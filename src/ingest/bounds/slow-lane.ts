import { TidingsError } from '../../errors.ts';
import type { ReceivedEvent } from '../../events/envelope.ts';
import { FairShare } from '../../lib/concurrency/fair-share.ts';
import { Turns } from '../../lib/concurrency/turns.ts';
import type { Millis } from '../../model/event.ts';
import type { EventResult } from '../results.ts';

/** Users whose events are decided at once. */
const USERS_AT_ONCE = 2;

/** Events that wait or are under way, of one user. */
const MAX_EVENTS_OF_USER = 2000;

/** The same of all users; of them, one tenant has what it leaves to the others (see `FairShare`). */
const MAX_EVENTS = 10_000;

/** Characters of the events that wait or are under way, of one user: they are in memory meanwhile. */
const MAX_CHARS_OF_USER = 8 * 1024 * 1024;

/** The same of all users, shared between tenants like MAX_EVENTS. */
const MAX_CHARS = 32 * 1024 * 1024;

/** Time (ms) for which a user stays in the lane after events of this user were too costly in a batch; then a batch tries again. */
const STAY_MS: Millis = 60_000;

/** Users that are remembered; beyond it the earliest without waiting events is forgotten, until a batch finds it slow again. */
const MAX_USERS = 1000;

interface SlowUser {
  until: Millis;
  /** Events that wait or are under way. */
  events: number;
  /** Their characters. */
  chars: number;
  /** Settles when the work before is done. */
  done: Promise<unknown>;
}

/**
 * Decides events of users whose history is costly, one user apart from the other and all of them apart from the batches, so
 * that no other user waits for them. Tenants take turns, and none of them fills the lane.
 */
export class SlowLane {
  readonly #run: (tenantId: string, events: readonly ReceivedEvent[]) => Promise<readonly EventResult[]>;
  readonly #clock: () => Millis;
  readonly #users = new Map<string, SlowUser>();
  readonly #turns = new Turns(USERS_AT_ONCE);
  readonly #events = new FairShare(MAX_EVENTS);
  readonly #chars = new FairShare(MAX_CHARS);

  constructor(
    run: (tenantId: string, events: readonly ReceivedEvent[]) => Promise<readonly EventResult[]>,
    clock: () => Millis,
  ) {
    this.#run = run;
    this.#clock = clock;
  }

  /** Returns whether events of a user belong here: some of them are here, or were too costly a short time ago. */
  has(tenantId: string, userId: string): boolean {
    if (this.#users.size === 0) return false;
    const name = nameUser(tenantId, userId);
    const user = this.#users.get(name);
    if (!user) return false;
    if (user.events > 0 || user.until > this.#clock()) return true;
    this.#users.delete(name);
    return false;
  }

  /**
   * Decides events of one user after those that are here already. Returns a promise of the result for each of them.
   *
   * The promises reject like `Pipeline.ingest`, with `overloaded` if too many events are here.
   */
  submit(tenantId: string, userId: string, events: readonly ReceivedEvent[]): Promise<EventResult>[] {
    const user = this.#admit(nameUser(tenantId, userId));
    const chars = events.reduce(
      (sum, { propertiesText, traitsText }) => sum + propertiesText.length + traitsText.length,
      0,
    );
    const hasManyEvents =
      user.events + events.length > MAX_EVENTS_OF_USER || !this.#events.fits(tenantId, events.length);
    // If nothing of the user waits, events of any size are accepted that the lane has room for.
    const hasManyChars =
      (user.events > 0 && user.chars + chars > MAX_CHARS_OF_USER) || !this.#chars.fits(tenantId, chars);
    if (hasManyEvents || hasManyChars) {
      const message = 'Deciding events of this user takes long, and too many of them are waiting.';
      return this.#share(events, Promise.reject(new TidingsError('overloaded', message, { retryAfter: 5 })));
    }
    user.events += events.length;
    user.chars += chars;
    this.#events.hold(tenantId, events.length);
    this.#chars.hold(tenantId, chars);
    const work = user.done.then(
      () =>
        new Promise<readonly EventResult[]>((resolve, reject) => {
          this.#turns.run(tenantId, () => this.#run(tenantId, events).then(resolve, reject));
        }),
    );
    user.done = work
      .catch(() => undefined)
      .then(() => {
        user.events -= events.length;
        user.chars -= chars;
        this.#events.release(tenantId, events.length);
        this.#chars.release(tenantId, chars);
      });
    return this.#share(events, work);
  }

  #admit(name: string): SlowUser {
    const known = this.#users.get(name);
    if (known) return known;
    if (this.#users.size >= MAX_USERS) {
      for (const [other, { events }] of this.#users) {
        if (events > 0) continue;
        this.#users.delete(other);
        break;
      }
    }
    const user: SlowUser = { until: this.#clock() + STAY_MS, events: 0, chars: 0, done: Promise.resolve() };
    this.#users.set(name, user);
    return user;
  }

  #share(events: readonly ReceivedEvent[], work: Promise<readonly EventResult[]>): Promise<EventResult>[] {
    return events.map((_, index) => {
      const result = work.then((results) => results[index] as EventResult);
      // The caller looks at it when the rest of its batch is done.
      result.catch(() => {});
      return result;
    });
  }
}

function nameUser(tenantId: string, userId: string): string {
  return `${tenantId}\n${userId}`;
}
