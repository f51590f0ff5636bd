/** The traffic of a small bank, made up: the same arguments give the same events. */

/** An event as a caller posts it. */
export interface PostedEvent {
  readonly user_id: string;
  readonly event_type: 'signup_completed' | 'link_bank_success' | 'payment_initiated' | 'payment_failed';
  readonly event_timestamp: string;
  readonly properties: { readonly [name: string]: string | number };
  readonly user_traits: {
    readonly email: string;
    readonly country: string;
    readonly marketing_opt_in: boolean;
    readonly risk_segment: string;
  };
}

export interface Traffic {
  readonly count: number;
  /** Number of users; in the benchmark a user has five events, so 100,000 events belong to 20,000 users. */
  readonly users: number;
  /** Number of the first user. */
  readonly firstUser: number;
  /** The last event happened before this (ms since the epoch). */
  readonly now: number;
}

const DAY = 86_400_000;
const SPAN = 60 * DAY;
/** One event in so many arrives late, by up to this many places. */
const LATE_ONE_IN = 30;
const LATE_BY = 5000;

const COUNTRIES = ['PT', 'ES', 'DE', 'FR', 'NL', 'IT', 'PL', 'IE'];
const SEGMENTS = ['NEW', 'LOW', 'MEDIUM', 'HIGH'];
const BANKS = ['Santander', 'ING', 'Commerzbank', 'Millennium', 'Revolut'];
const ATTEMPTS = [1, 1, 1, 1, 1, 1, 2, 2, 3, 4];
const REASONS = ['INSUFFICIENT_FUNDS', 'INSUFFICIENT_FUNDS', 'INSUFFICIENT_FUNDS', 'CARD_EXPIRED', 'LIMIT_EXCEEDED'];

/** Each user signs up, mostly links a bank, then pays; in order of arrival, which is nearly the order of event time. */
export function makeEvents({ count, users, firstUser, now }: Traffic): PostedEvent[] {
  const random = mulberry32(firstUser + 1);
  const made: { readonly at: number; readonly event: PostedEvent }[] = [];
  for (let i = 0; i < users; i++) {
    const share = Math.floor(((i + 1) * count) / users) - Math.floor((i * count) / users);
    made.push(...lifeOf(firstUser + i, share, now, random));
  }
  made.sort((a, b) => a.at - b.at);
  const arrived = made
    .map(({ event }, place) => ({ event, place: random() * LATE_ONE_IN < 1 ? place + random() * LATE_BY : place }))
    .sort((a, b) => a.place - b.place);
  // As they come out of a request, each with its fields in the caller's order and nothing else.
  return JSON.parse(JSON.stringify(arrived.map(({ event }) => event)));
}

/** Sign-ups only, all with consent: one email each. */
export function makeSignups({ count, firstUser, now }: Traffic): PostedEvent[] {
  const random = mulberry32(firstUser + 1);
  return Array.from({ length: count }, (_, i) => ({
    ...signup(firstUser + i, now - SPAN + Math.floor(random() * SPAN), random),
    user_traits: traits(firstUser + i, 0, true),
  }));
}

function lifeOf(user: number, share: number, now: number, random: () => number) {
  const events: { at: number; event: PostedEvent }[] = [];
  const optIn = random() < 0.6;
  let segment = 0;
  let at = now - SPAN + Math.floor(random() * (SPAN - DAY));
  const left = now - at;
  for (let n = 0; n < share; n++) {
    if (n > 0)
      at += Math.max(
        1,
        Math.floor(random() * (n === 1 ? Math.min(left / 2, 1.5 * DAY) : (2 * (now - at)) / (share - n + 1))),
      );
    if (random() < 0.05) segment = 1 + Math.floor(random() * 3);
    const event =
      n === 0
        ? signup(user, at, random)
        : n === 1 && random() < 0.85
          ? bankLink(user, at, random)
          : payment(user, at, random);
    events.push({ at, event: { ...event, user_traits: traits(user, segment, optIn) } });
  }
  return events;
}

type WithoutTraits = Omit<PostedEvent, 'user_traits'>;

function signup(user: number, at: number, random: () => number): WithoutTraits {
  return envelope(user, 'signup_completed', at, {
    signup_method: pick(['email', 'apple', 'google'], random),
    referral_source: pick(['google_ads', 'friend', 'podcast'], random),
    device_type: pick(['mobile', 'desktop'], random),
  });
}

function bankLink(user: number, at: number, random: () => number): WithoutTraits {
  return envelope(user, 'link_bank_success', at, {
    bank_name: pick(BANKS, random),
    verification_method: 'open_banking',
    account_type: pick(['checking', 'savings'], random),
  });
}

function payment(user: number, at: number, random: () => number): WithoutTraits {
  const amount = Math.round(random() * 300_000) / 100;
  if (random() < 0.8) {
    return envelope(user, 'payment_initiated', at, {
      amount,
      currency: 'EUR',
      payment_method: pick(['bank_transfer', 'card'], random),
      recipient_id: `merch_${Math.floor(random() * 5000)}`,
    });
  }
  const attempt_number = pick(ATTEMPTS, random);
  return envelope(user, 'payment_failed', at, { amount, attempt_number, failure_reason: pick(REASONS, random) });
}

function envelope(
  user: number,
  event_type: PostedEvent['event_type'],
  at: number,
  properties: PostedEvent['properties'],
): WithoutTraits {
  return { user_id: `u_${user}`, event_type, event_timestamp: new Date(at).toISOString(), properties };
}

function traits(user: number, segment: number, optIn: boolean): PostedEvent['user_traits'] {
  return {
    email: `user.${user}@example.com`,
    country: COUNTRIES[user % COUNTRIES.length] as string,
    marketing_opt_in: optIn,
    risk_segment: SEGMENTS[segment] as string,
  };
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** Mulberry32 (Tommy Ettinger, public domain): small, even enough, and the same everywhere. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
