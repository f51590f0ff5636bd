import type { Logger } from 'pino';
import { FairShare } from '../../lib/concurrency/fair-share.ts';
import { Turns } from '../../lib/concurrency/turns.ts';
import type { Millis } from '../../model/event.ts';

/** Users whose waits are fired at once. */
const USERS_AT_ONCE = 2;

/** Time (ms) for which a user stays here after firing the waits of this user was too costly. */
const STAY_MS: Millis = 60_000;

/**
 * Users here, at most; of those whose waits are to be fired, one tenant has what it leaves to the others (see `FairShare`).
 * Beyond it, the waits of a user are left to a later claim.
 */
const MAX_USERS = 1000;

interface SlowUser {
  until: Millis;
  isRunning: boolean;
}

/**
 * Fires the due waits of costly users, one user apart from the other, so that the timers of no other user wait
 * for them. Tenants take turns. Nothing is lost with the process: the claim of the waits expires, and they are claimed again.
 */
export class SlowTimers {
  readonly #run: (tenantId: string, userId: string) => Promise<void>;
  readonly #clock: () => Millis;
  readonly #log: Pick<Logger, 'error'>;
  readonly #users = new Map<string, SlowUser>();
  readonly #turns = new Turns(USERS_AT_ONCE);
  readonly #waiting = new FairShare(MAX_USERS);
  #idleListeners: (() => void)[] = [];

  constructor(
    run: (tenantId: string, userId: string) => Promise<void>,
    clock: () => Millis,
    log: Pick<Logger, 'error'>,
  ) {
    this.#run = run;
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns whether the waits of a user belong here: they are being fired, or were too costly a short time ago. */
  has(tenantId: string, userId: string): boolean {
    if (this.#users.size === 0) return false;
    const name = nameUser(tenantId, userId);
    const user = this.#users.get(name);
    if (!user) return false;
    if (user.isRunning || user.until > this.#clock()) return true;
    this.#users.delete(name);
    return false;
  }

  /** Starts to fire the due waits of a user, unless that is under way. Does not wait for it; a failure is logged. */
  submit(tenantId: string, userId: string): void {
    const name = nameUser(tenantId, userId);
    const user = this.#users.get(name) ?? { until: 0, isRunning: false };
    if (user.isRunning || !this.#waiting.fits(tenantId, 1) || (!this.#users.has(name) && !this.#makeRoom())) return;
    this.#users.set(name, user);
    user.isRunning = true;
    this.#waiting.hold(tenantId, 1);
    this.#turns.run(tenantId, async () => {
      try {
        await this.#run(tenantId, userId);
      } catch (error) {
        const line = { err: error, tenant_id: tenantId };
        this.#log.error(line, 'the waits of a user could not be fired; will retry when their claim expires');
      }
      this.#waiting.release(tenantId, 1);
      user.isRunning = false;
      user.until = this.#clock() + STAY_MS;
      setImmediate(() => this.#reportIdle());
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (!this.#turns.idle) await new Promise<void>((resolve) => this.#idleListeners.push(resolve));
  }

  #makeRoom(): boolean {
    if (this.#users.size < MAX_USERS) return true;
    for (const [name, { isRunning }] of this.#users) if (!isRunning) return this.#users.delete(name);
    return false;
  }

  #reportIdle(): void {
    if (this.#turns.idle) for (const resolve of this.#idleListeners.splice(0)) resolve();
  }
}

function nameUser(tenantId: string, userId: string): string {
  return `${tenantId}\n${userId}`;
}
