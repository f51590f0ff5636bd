import type pg from 'pg';
import type { Logger } from 'pino';
import { writeNotice } from '../channels/internal/notices.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Millis } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import type { Settlement } from '../store/deliveries/settlements.ts';
import {
  type EmailEnd,
  loadEmailCounts,
  type StandingKey,
  saveEmailStanding,
} from '../store/receipts/email-standings.ts';
import type { ProviderMessage } from '../store/receipts/provider-messages.ts';
import { getBounceClass } from '../track/bounce-class.ts';
import { describeStanding, findStanding } from '../track/email-standing.ts';
import type { CompletedAttempt } from './lifecycle.ts';

/** Interval in ms at which accepted emails are counted that no receipt comes for; a bounce counts them before. */
const COUNT_MS: Millis = 60_000;
/** Tenants and types whose accepted emails wait to be counted, at most; more are counted at once. */
const MAX_WAITING = 10_000;

/** The actor of a pause that follows from an attempt. */
const ACTOR = systemActor('deliveries');

/**
 * Emails whose end the send itself tells: bounces, and accepted emails of providers that send no receipts, which are counted together
 * now and then.
 *
 * Counts of accepted emails may be lost or late; bounces never are, for each is counted with its settlement. A process that dies loses
 * those that it accepted within COUNT_MS, and one with no more to settle counts its last ones with its next. So the share of bounces
 * may be too high for a while, never too low: a pause may come early. It may be late only while MIN_EMAILS are not counted yet, and then
 * until the next bounce, which judges again; without another bounce it is not needed. What is counted later lifts no pause.
 */
export class EmailEnds {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #accepted = new Map<string, EmailEnd>();
  #countedAt = performance.now();

  constructor(pool: pg.Pool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  /**
   * Returns what is to be counted with these attempts.
   * @param tracked messages on which their providers will report
   */
  take(batch: readonly CompletedAttempt[], tracked: readonly ProviderMessage[]): readonly EmailEnd[] {
    const emails = batch.filter(({ delivery }) => CHANNEL_DESCRIPTORS[delivery.channel].canBounceLater);
    const reported = new Set(tracked.map(({ notificationId }) => notificationId));
    const accepted = emails.filter(({ settlement: { attempt } }) => attempt.outcome === 'sent');
    for (const { delivery } of accepted) if (!reported.has(delivery.notificationId)) this.#add(delivery, 1);
    const bounced = emails.filter(({ settlement }) => isBounce(settlement)).map(toBounce);
    const isTime = performance.now() - this.#countedAt >= COUNT_MS || this.#accepted.size >= MAX_WAITING;
    return bounced.length > 0 || isTime ? [...this.#takeAccepted(), ...bounced] : [];
  }

  /** Takes back accepted emails that could not be counted; they are counted with the next. */
  putBack(ends: readonly EmailEnd[]): void {
    for (const end of ends) if (!end.settlement) this.#add(end, end.ended);
  }

  #add({ tenantId, notificationType }: StandingKey, count: number): void {
    const key = `${tenantId} ${notificationType}`;
    const ended = (this.#accepted.get(key)?.ended ?? 0) + count;
    this.#accepted.set(key, { tenantId, notificationType, ended, bounced: 0 });
  }

  #takeAccepted(): EmailEnd[] {
    this.#countedAt = performance.now();
    const accepted = [...this.#accepted.values()];
    this.#accepted.clear();
    return accepted;
  }

  /** Concludes from bounces that are counted whether their types and tenants go on sending. An error leaves that to the next bounce. */
  async judge(ends: readonly EmailEnd[], now: Millis): Promise<void> {
    const keys = new Map<string, StandingKey>();
    for (const { tenantId, notificationType, bounced } of ends) {
      if (bounced === 0) continue;
      for (const type of ['', notificationType]) keys.set(`${tenantId} ${type}`, { tenantId, notificationType: type });
    }
    try {
      for (const key of keys.values()) {
        const standing = findStanding(key, await loadEmailCounts(this.#pool, key, now), now);
        if (standing && (await saveEmailStanding(this.#pool, standing, ACTOR))) {
          writeNotice(this.#log, ...describeStanding(standing));
        }
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'the share of bounces could not be judged; the next bounce does');
    }
  }
}

function toBounce({ delivery, settlement }: CompletedAttempt): EmailEnd {
  const { tenantId, notificationType } = delivery;
  return { tenantId, notificationType, ended: 1, bounced: 1, settlement };
}

/** Whether the send said that the address is dead, or that the receiver rejects the sender. */
function isBounce({ attempt, deadAs, status }: Settlement): boolean {
  if (status !== 'dead') return false;
  if (deadAs !== undefined) return deadAs !== 'opted_out';
  if (attempt.outcome !== 'rejected' || attempt.code === null) return false;
  return getBounceClass({ provider: attempt.provider, enhancedCode: attempt.code }) === 'policy';
}
