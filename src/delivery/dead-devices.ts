import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import {
  type DeadDevice,
  type DeviceChanges,
  NO_DEVICE_CHANGES,
  type RetiredBy,
} from '../store/devices/dead-devices.ts';
import type { CompletedAttempt } from './lifecycle.ts';

/** Answers of an account that are looked at: the latest ones. */
const WINDOW_ANSWERS = 100;
/** Answers from which a share means something, and the share of dead tokens above which the account is not believed. */
const MIN_ANSWERS = 20;
const MAX_DEAD_SHARE = 0.2;
/** Accounts whose answers are known. */
const MAX_ACCOUNTS = 10_000;
/** Time in ms for which devices that an account has retired are restored, once it is not believed. */
const RESTORED_MS: Millis = 24 * 3_600_000;
/** Shortest time in ms between two reports of one account. */
const REPORT_PAUSE_MS: Millis = 3_600_000;

interface Answers {
  /** True: the token was dead. */
  readonly latest: boolean[];
  reportedAt: Millis;
}

/**
 * Decides which devices are retired: those that their provider said are gone, with a code. A token is not retired for its text,
 * and none by an account that calls many dead: then its own settings are wrong, such as the environment of APNs. Knows the
 * latest answers that this process had from each account.
 */
export class DeadDeviceJudge {
  readonly #log: Logger;
  readonly #clock: () => Millis;
  readonly #answers = new LRUCache<string, Answers>({ max: MAX_ACCOUNTS });

  constructor(log: Logger, clock: () => Millis) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Takes the answers of a completed attempt into account. Call it once for each, before `judge`. */
  note({ delivery, settlement }: CompletedAttempt): void {
    if (!goesToDevices(delivery.channel) || delivery.target === '') return;
    const { outcome, code } = settlement.attempt;
    const isDead = outcome === 'address_dead' && code !== null;
    if (!isDead && outcome !== 'sent') return;
    const { latest } = this.#of(delivery.tenantId, toAccount(settlement));
    latest.push(isDead);
    if (latest.length > WINDOW_ANSWERS) latest.shift();
  }

  /** Returns what follows from completed attempts; may be called again for the same. */
  judge(batch: readonly CompletedAttempt[]): DeviceChanges {
    const dead = batch.filter(
      ({ delivery, settlement: { attempt } }) =>
        goesToDevices(delivery.channel) &&
        delivery.target !== '' &&
        attempt.outcome === 'address_dead' &&
        attempt.code !== null,
    );
    if (dead.length === 0) return NO_DEVICE_CHANGES;
    const retired: DeadDevice[] = [];
    const restored = new Map<string, RetiredBy>();
    for (const { delivery, settlement } of dead) {
      const { tenantId, target } = delivery;
      const account = toAccount(settlement);
      if (!this.#isBelieved(tenantId, account)) {
        restored.set(`${tenantId} ${account}`, { tenantId, account, since: this.#clock() - RESTORED_MS });
      } else {
        const { attempt } = settlement;
        const since = settlement.deadSince ?? attempt.startedAt;
        retired.push({ tenantId, deviceId: target, code: attempt.code as string, since, account });
      }
    }
    return { retired, restored: [...restored.values()] };
  }

  #isBelieved(tenantId: string, account: string): boolean {
    const answers = this.#of(tenantId, account);
    const { latest } = answers;
    const dead = latest.filter(Boolean).length;
    if (latest.length < MIN_ANSWERS || dead / latest.length <= MAX_DEAD_SHARE) return true;
    const now = this.#clock();
    if (now - answers.reportedAt >= REPORT_PAUSE_MS) {
      answers.reportedAt = now;
      this.#log.error(
        { tenant_id: tenantId, account, dead, of: latest.length },
        'an account calls too many device tokens dead: none is retired; check its environment, topic or project',
      );
    }
    return false;
  }

  #of(tenantId: string, account: string): Answers {
    const key = `${tenantId} ${account}`;
    const known = this.#answers.get(key);
    if (known) return known;
    const made = { latest: [], reportedAt: Number.NEGATIVE_INFINITY };
    this.#answers.set(key, made);
    return made;
  }
}

/** Returns the name of the account of an attempt; that of the provider for one of the installation. */
function toAccount({ attempt }: CompletedAttempt['settlement']): string {
  return attempt.account ?? attempt.provider;
}

function goesToDevices(channel: Channel): boolean {
  return CHANNEL_DESCRIPTORS[channel].targets === 'devices';
}
