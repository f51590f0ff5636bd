import type { EventResult } from '../ingest/results.ts';
import type { NotificationType } from '../model/catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Channel } from '../model/delivery.ts';
import { DIRECT_RULE, TEST_RULE, type ZoneSource } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import type { Verdict } from '../model/plan.ts';
import { planNotification } from '../plan/plan.ts';
import { maskEmail, maskPhone } from '../privacy/mask.ts';
import type { Unreachable } from '../store/deliveries/unreachable.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import type { Recipient, SendRequest } from './request.ts';
import type { ResolvedRecipient, UnresolvedRecipient } from './resolve-recipients.ts';

/**
 * `accepted`: it is on its way. `scheduled`: it waits for its time. `suppressed`: it was decided that it must not be sent.
 * `rejected`: nothing was decided.
 */
export const SEND_STATES = ['accepted', 'scheduled', 'suppressed', 'rejected'] as const;
export type SendState = (typeof SEND_STATES)[number];

/** The result for one recipient of a request. */
export interface SendResult {
  /** As given; an address masked. */
  readonly recipient: Recipient;
  /** Absent: none was found. */
  readonly user_id?: string;
  /** Whether a user has the address that was given. Absent: it was given as a user. */
  readonly linked?: boolean;
  readonly state: SendState;
  /** Null: nothing is sent. */
  readonly notification_id: string | null;
  /** Only if it is scheduled. */
  readonly due_at?: string;
  /** Zone of a local time, and where it came from. */
  readonly zone?: string;
  readonly zone_from?: ZoneSource;
  /** Its time was past, so it is sent at once. */
  readonly late?: true;
  readonly channels?: { readonly [channel in Channel]?: PlannedChannel };
  /** Why it is suppressed or rejected. */
  readonly code?: string;
  readonly reason?: string;
  /** Place of the earlier recipient, from 0, who is the same user. */
  readonly repeats?: number;
}

/** The plan of one channel: as the notification type says, or as the terms of the user or the policy decided. */
export interface PlannedChannel {
  readonly plan: Verdict['verdict'];
  /** Why it is held, folded or dropped. */
  readonly code?: string;
  /** Level that decided; absent: the notification type itself. */
  readonly decided_by?: string;
  /** End of a `hold`. */
  readonly until?: string;
}

interface Asked {
  readonly request: SendRequest;
  readonly type: NotificationType;
  readonly now: Millis;
  readonly isDryRun: boolean;
  /** Channels by which a message would not reach the user, and why. Absent: a worker will find out. */
  readonly unreachable?: ReadonlyMap<Channel, Unreachable> | undefined;
}

export function toSendResult(
  given: Recipient,
  { userId, isLinked }: ResolvedRecipient,
  { status, decisions, code, message }: EventResult,
  asked: Asked,
): SendResult {
  const about = {
    recipient: maskRecipient(given),
    user_id: userId,
    ...(isLinked !== undefined && { linked: isLinked }),
  };
  const decision = decisions.find(({ rule }) => rule === DIRECT_RULE || rule === TEST_RULE);
  if (status === 'conflict') {
    const reason =
      'The Idempotency-Key was used for another request to this recipient; use a new key for each request.';
    return { ...about, state: 'rejected', notification_id: null, code: 'idempotency_key_reused', reason };
  }
  if (!decision) {
    const reason = message ?? 'The catalog version that decides about this user does not have the notification type.';
    return { ...about, state: 'rejected', notification_id: null, code: code ?? 'unknown_type', reason };
  }
  return { ...about, ...describeDecision(decision, asked) };
}

function describeDecision(decision: Decision, asked: Asked): Omit<SendResult, 'recipient'> {
  const { outcome, evidence, reason_code: code, reason } = decision;
  const scheduled = evidence.direct?.scheduled;
  const channels = planChannels(asked, evidence.plan);
  if (outcome !== 'send' && outcome !== 'scheduled') {
    const state = outcome === 'failed' ? 'rejected' : 'suppressed';
    return { state, notification_id: null, code, reason, channels };
  }
  const [first] = asked.unreachable?.values() ?? [];
  if (first && Object.values(channels).every(({ plan }) => plan === 'drop')) {
    return { state: 'suppressed', notification_id: null, code: first.reasonCode, reason: first.reason, channels };
  }
  // A message that is folded into a digest has no notification of its own.
  const id = decision.notification_id ?? (code === 'collected' ? null : (evidence.wait?.wait_id ?? null));
  return {
    state: outcome === 'send' ? 'accepted' : 'scheduled',
    notification_id: asked.isDryRun ? null : id,
    ...(outcome === 'scheduled' && evidence.wait && { due_at: evidence.wait.due_at }),
    ...(scheduled?.zone !== undefined && { zone: scheduled.zone }),
    ...(scheduled?.zone_from !== undefined && { zone_from: scheduled.zone_from }),
    ...(outcome === 'send' && scheduled && { late: true as const }),
    channels,
  };
}

/** Returns the plan of each channel, by the function that plans its deliveries. @param verdicts those that differ from it */
function planChannels(
  { type, request, now, unreachable }: Asked,
  verdicts: readonly Verdict[] = [],
): NonNullable<SendResult['channels']> {
  const { channels, priority, expires_at: expiry } = request;
  const expires = expiry === undefined ? undefined : parseTimestamp(expiry);
  const plans = planNotification(type, undefined, now, {
    ...(channels && { channels }),
    ...(priority && { priority }),
    ...(expires && !('problem' in expires) && { expiresAt: expires.time }),
  });
  const planned = new Map<Channel, PlannedChannel>(
    plans.map(({ channel, holdCode }) => [
      channel,
      holdCode === null ? { plan: 'go' } : { plan: 'hold', code: holdCode },
    ]),
  );
  for (const { channel, verdict, code, level, until } of verdicts)
    planned.set(channel, { plan: verdict, code, decided_by: level, ...(until !== undefined && { until }) });
  for (const [channel, { reasonCode, level }] of unreachable ?? []) {
    const found = planned.get(channel);
    if (found && found.plan !== 'drop')
      planned.set(channel, { plan: 'drop', code: reasonCode, ...(level !== undefined && { decided_by: level }) });
  }
  // A channel whose turn never comes makes way for the next at once.
  const [next] = [...planned].filter(([, { plan }]) => plan !== 'drop');
  if (next?.[1].code === 'fallback') planned.set(next[0], { plan: 'go' });
  return Object.fromEntries(planned);
}

export function toUnresolvedResult(given: Recipient, { code, message }: UnresolvedRecipient): SendResult {
  return { recipient: maskRecipient(given), state: 'rejected', notification_id: null, code, reason: message };
}

/** @param first place of the recipient that it repeats */
export function toRepeatedResult(given: Recipient, first: number, { recipient: _, ...result }: SendResult): SendResult {
  return { ...result, recipient: maskRecipient(given), repeats: first };
}

export function maskRecipient({ user_id: userId, email, phone }: Recipient): Recipient {
  if (userId !== undefined) return { user_id: userId };
  return email === undefined ? { phone: maskPhone(phone ?? '') } : { email: maskEmail(email) };
}
