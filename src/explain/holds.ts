import type pg from 'pg';
import { BATCH_EVENT, BATCH_PAUSED } from '../model/batch.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { type DeliveryHoldCode, HOLD_ENDS, type HoldEnd } from '../model/hold-codes.ts';
import type { Verdict } from '../model/plan.ts';
import { formatTime } from '../rules/reasons.ts';
import { loadBatch, type StoredBatch } from '../store/batches/batches.ts';
import type { DeliveryView, NotificationView } from '../store/deliveries/delivery-views.ts';
import type { Pause } from '../store/pause.ts';
import { listEmailStandings } from '../store/receipts/email-standings.ts';

/** A thing that a queued delivery waits for. */
export interface Hold {
  /** Follows "held for": `the pause of its batch`. */
  readonly cause: string;
  readonly end: HoldEnd | 'turn';
  /** When it is over, or looks again (ISO 8601); of `ended` what ends it, after "until": `the batch is resumed`. */
  readonly until: string;
}

/** An account by which nothing is sent at present. Times are ISO 8601 in UTC. */
export interface Outage {
  readonly provider: string;
  /** Null: that of the installation. */
  readonly account: string | null;
  readonly since: string;
  readonly cause: string;
  readonly next_probe_at: string;
}

/** Facts about what holds deliveries that are not stored with them. */
export interface HoldSources {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  /** Returns the pause of all workers after a restore; undefined: they work. */
  readonly loadPause: () => Promise<Pause | undefined>;
  /** Returns the outage for which every message of a channel waits; null: some may go. */
  readonly findOutage: (channel: Channel) => Promise<Outage | null>;
}

/** Finds what holds the queued deliveries of a notification; those that only wait for their turn are left out. */
export async function findHolds(
  sources: HoldSources,
  tenantId: string,
  { event_id: eventId, notification_type: type, deliveries }: NotificationView,
): Promise<ReadonlyMap<string, Hold>> {
  const queued = deliveries.filter(({ status }) => status === 'queued');
  if (queued.length === 0) return new Map();
  const restored = await sources.loadPause();
  const found = new Map<string, Hold>();
  for (const delivery of queued) {
    const hold = restored ? toRestoreHold(restored) : await findHold(sources, { tenantId, eventId, type }, delivery);
    if (hold) found.set(delivery.delivery_id, hold);
  }
  return found;
}

function toRestoreHold({ since }: Pause): Hold {
  const cause = `the pause of the installation since its restore on ${formatTime(since)}`;
  return { cause, end: 'ended', until: 'an operator resumes it' };
}

interface HeldNotification {
  readonly tenantId: string;
  readonly eventId: string;
  readonly type: string;
}

async function findHold(
  sources: HoldSources,
  notification: HeldNotification,
  delivery: DeliveryView,
): Promise<Hold | undefined> {
  const { hold_code: code, due_at: dueAt, channel } = delivery;
  const isDue = Date.parse(dueAt) <= sources.clock();
  if (code === null || !Object.hasOwn(HOLD_ENDS, code)) {
    // A delivery that is due is not claimed while its account is out: nothing is written to its row.
    const outage = isDue ? await sources.findOutage(channel) : null;
    return outage ? toOutageHold(outage) : undefined;
  }
  const known = code as DeliveryHoldCode;
  const end = HOLD_ENDS[known];
  if (known === 'fallback') return isDue ? undefined : { cause: '', end: 'turn', until: dueAt };
  if (known === 'account_paused') {
    const outage = await sources.findOutage(channel);
    if (outage) return toOutageHold(outage);
  }
  // Over, and about to be sent.
  if (isDue && end === 'due') return undefined;
  const cause = await describeCause(sources, notification, delivery, known);
  return { cause, end, until: end === 'ended' ? (ENDS[known] ?? '') : dueAt };
}

function toOutageHold({ provider, account, since, cause, next_probe_at: until }: Outage): Hold {
  const of = account === null ? `provider ${provider} of the installation` : `account ${account} (${provider})`;
  return {
    cause: `the ${of}, by which nothing is sent since ${formatTime(since)} (${endWithout(cause)})`,
    end: 'looked',
    until,
  };
}

/** Ends of holds that do not end by themselves. */
const ENDS: { readonly [code in DeliveryHoldCode]?: string } = {
  batch_paused: 'the batch is resumed or cancelled',
  sending_paused: 'someone lets these emails be sent again',
  endpoint_disabled: 'the endpoint is active again and a replay sends it',
};

async function describeCause(
  sources: HoldSources,
  notification: HeldNotification,
  delivery: DeliveryView,
  code: DeliveryHoldCode,
): Promise<string> {
  const verdict = findVerdict(delivery, code);
  switch (code) {
    case BATCH_PAUSED:
      return describeBatch(await findBatch(sources.pool, notification));
    case 'sending_paused':
      return describeEmails(sources, notification);
    case 'paused':
      return verdict
        ? `${String(verdict.value)}${verdict.since === null ? '' : ` since ${formatTime(verdict.since)}`}`
        : 'a pause of the messages to its user';
    case 'quiet_hours':
      return verdict ? `the quiet hours ${String(verdict.value)}` : 'quiet hours';
    case 'legal_hours':
      return verdict ? `the hours of the law, ${String(verdict.value)}` : 'the hours in which the law allows it';
    case 'rate_limited':
      return verdict
        ? `the limit of messages to its user, ${String(verdict.value)}`
        : 'a rate limit of the account by which it goes, or of its user';
    default:
      return CAUSES[code];
  }
}

const CAUSES = {
  fallback: 'the channels before it',
  account_paused: 'the account by which it goes, which is paused',
  domain_paused: "the servers of the recipient's domain, which do not respond",
  endpoint_disabled: 'its webhook endpoint, which is disabled',
  endpoint_order: 'an older message to its webhook endpoint, which comes first',
  endpoint_rate: 'the rate limit of its webhook endpoint',
  endpoint_busy: 'its webhook endpoint, which is busy with other messages',
};

/** Returns the verdict of the plan that holds a delivery now; undefined: an earlier one, or another thing holds it. */
function findVerdict({ decided_by: verdict, due_at: dueAt }: DeliveryView, code: string): Verdict | undefined {
  if (verdict?.verdict !== 'hold' || verdict.code !== code) return undefined;
  // An account may have a limit as well, after that of the user.
  return code === 'rate_limited' && verdict.until !== dueAt ? undefined : verdict;
}

async function findBatch(pool: pg.Pool, { tenantId, eventId }: HeldNotification): Promise<StoredBatch | undefined> {
  const id = eventId.slice(BATCH_EVENT.length, BATCH_EVENT.length + UUID_LENGTH);
  return eventId.startsWith(BATCH_EVENT) ? loadBatch(pool, tenantId, id) : undefined;
}

const UUID_LENGTH = 36;

function describeBatch(batch: StoredBatch | undefined): string {
  if (!batch) return 'the pause of its batch';
  const name = batch.name === null ? batch.batchId : `${batch.name} (${batch.batchId})`;
  return `the pause of its batch ${name}${batch.reason === null ? '' : `, because of: ${endWithout(batch.reason)}`}`;
}

async function describeEmails({ pool, clock }: HoldSources, { tenantId, type }: HeldNotification): Promise<string> {
  const paused = (await listEmailStandings(pool, tenantId, clock())).filter(({ pausedAt }) => pausedAt !== null);
  const standing = paused.find((one) => one.notificationType === '' || one.notificationType === type);
  if (!standing) return 'a pause of emails, which bounce or are complained about too often';
  const which = standing.notificationType === '' ? 'all emails' : `emails of ${type}`;
  return `the pause of ${which} since ${formatTime(standing.pausedAt ?? standing.alertedAt)} (${endWithout(standing.cause)})`;
}

/** Returns a sentence as a part of another one. */
function endWithout(sentence: string): string {
  return sentence.replace(/[.]$/, '');
}
