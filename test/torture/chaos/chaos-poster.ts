import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../random.ts';
import { TYPES } from './catalog.ts';
import { CHAOS_KEY, type ChaosUser } from './installation.ts';

const EVENTS_PER_REQUEST = 100;
const STREAMS = 3;
const MAX_REQUEST_MS = 30_000;

/** A client that posts a number of events, each of which makes one notification, and repeats a request until it is accepted. */
export class ChaosPoster {
  /** Responses that nothing explains. */
  readonly wrong: string[] = [];
  accepted = 0;
  retried = 0;
  #left: number;
  readonly #url: string;
  readonly #tenants: readonly (readonly ChaosUser[])[];
  readonly #random: Random;

  constructor(url: string, users: readonly ChaosUser[], count: number, random: Random) {
    this.#url = url;
    this.#left = count;
    this.#random = random;
    const byTenant = new Map<string, ChaosUser[]>();
    for (const user of users) byTenant.set(user.tenantId, [...(byTenant.get(user.tenantId) ?? []), user]);
    this.#tenants = [...byTenant.values()];
  }

  /** Posts all of them, over about so many ms. Ends early when `signal` is aborted. */
  async postAll(duration: number, signal: AbortSignal): Promise<void> {
    const pauseMillis = (duration * EVENTS_PER_REQUEST * STREAMS) / Math.max(1, this.#left);
    await Promise.all(Array.from({ length: STREAMS }, () => this.#stream(pauseMillis, signal)));
  }

  async #stream(pauseMillis: number, signal: AbortSignal): Promise<void> {
    while (this.#left > 0 && !signal.aborted) {
      const count = Math.min(this.#left, EVENTS_PER_REQUEST);
      this.#left -= count;
      const users = this.#random.pick(this.#tenants);
      const now = Date.now();
      const events = Array.from({ length: count }, (_, i) => {
        const { userId, traits } = this.#random.pick(users);
        return {
          event_id: `e-${this.#left + i}`,
          user_id: userId,
          event_type: this.#random.pick(TYPES).event,
          event_timestamp: new Date(now).toISOString(),
          user_traits: traits,
        };
      });
      const began = Date.now();
      while (!signal.aborted && !(await this.#post(users[0]!.tenantId, events))) {
        this.retried++;
        await pause(200);
      }
      await pause(Math.max(0, pauseMillis - (Date.now() - began)));
    }
  }

  /** Returns whether the events were accepted, now or before. */
  async #post(tenantId: string, events: readonly object[]): Promise<boolean> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.#url}/api/v1/events`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${CHAOS_KEY}`,
          'x-tidings-tenant': tenantId,
        },
        body: JSON.stringify(events),
        signal: AbortSignal.timeout(MAX_REQUEST_MS),
      });
      status = response.status;
      text = await response.text();
    } catch {
      return false;
    }
    if (status === 503) return false;
    const results: readonly { readonly status: string }[] = status === 202 ? JSON.parse(text).results : [];
    const isWhole = results.length === events.length && results.every(({ status: one }) => one !== 'rejected');
    if (!isWhole) this.wrong.push(`answer ${status}: ${text.slice(0, 300)}`);
    this.accepted += results.length;
    return true;
  }
}
