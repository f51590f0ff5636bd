import type { Random } from './random.ts';

const DAY = 86_400_000;

/** A posted event, in the form of a request. */
export interface PostedEvent {
  readonly event_id?: string;
  readonly user_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  /** `n` distinguishes the events, also those without an ID. */
  readonly properties: { readonly n: number; readonly [name: string]: unknown };
  readonly user_traits: { readonly [name: string]: unknown };
}

export interface User {
  readonly userId: string;
  /** Null: not known. */
  readonly email: string | null;
  /** The traits in all events of the user. */
  readonly traits: { readonly [name: string]: unknown };
}

/** Creates users. Every twentieth has no email address, and every other one is subscribed to the minutes of a zone. */
export function createUsers(count: number): User[] {
  return Array.from({ length: count }, (_, i) => {
    const email = i % 20 === 0 ? null : `p${i}@example.com`;
    const traits = {
      ...(email === null ? {} : { email }),
      phone: `+3519100${String(i).padStart(5, '0')}`,
      country: 'PT',
      subscribed: i % 2 === 0,
      // No user changes it: what was decided with consent is sent.
      marketing_opt_in: i % 5 < 3,
      ...(i % 3 === 0 ? {} : { time_zone: i % 3 === 1 ? 'Europe/Lisbon' : 'Asia/Kolkata' }),
    };
    return { userId: `p_${i}`, email, traits };
  });
}

/** Creates users of the minutely rule only: more than run in one transaction. */
export function makeAudience(count: number): User[] {
  const traits = { subscribed: true, time_zone: 'Europe/Lisbon' };
  return Array.from({ length: count }, (_, i) => ({ userId: `q_${i}`, email: null, traits }));
}

/** Creates the one event that makes a user known. */
export function makeArrival(n: number, { userId, traits }: User): PostedEvent {
  const event_timestamp = new Date().toISOString();
  return { user_id: userId, event_type: 'subscribed', event_timestamp, properties: { n }, user_traits: traits };
}

/** Creates the history of a user: event times in no order, over `days` days before `end`; half of the events have an ID. */
export function makeEvent(n: number, user: User, random: Random, end: number, days = 60): PostedEvent {
  const at = end - random.between(0, days * 24 * 60) * 60_000;
  const [event_type, properties] = content(random);
  return {
    ...(random.chance(0.5) ? { event_id: `e-${n}` } : {}),
    user_id: user.userId,
    event_type,
    event_timestamp: random.chance(0.2)
      ? new Date(at + DAY / 12).toISOString().replace('Z', '+02:00')
      : new Date(at).toISOString(),
    properties: { n, ...properties },
    user_traits: user.traits,
  };
}

function content(random: Random): [string, object] {
  const kind = random.next();
  if (kind < 0.15) return ['signup_completed', { signup_method: 'email' }];
  if (kind < 0.35) return ['link_bank_success', { bank_name: 'Santander' }];
  if (kind < 0.5) return ['payment_initiated', { amount: 12.5, currency: 'EUR' }];
  const failure_reason = random.chance(0.6) ? 'INSUFFICIENT_FUNDS' : 'EXPIRED_CARD';
  return ['payment_failed', { failure_reason, attempt_number: random.between(1, 4) }];
}
