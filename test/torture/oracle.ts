import type { PostedEvent } from './events.ts';

const DAY = 86_400_000;

/** The rules that each event type triggers, in the fintech example. */
export const CANDIDATES: { readonly [type: string]: readonly string[] } = {
  signup_completed: ['WELCOME_EMAIL'],
  link_bank_success: ['BANK_LINK_NUDGE_SMS'],
  payment_initiated: [],
  payment_failed: ['INSUFFICIENT_FUNDS_EMAIL', 'HIGH_RISK_ALERT'],
};

export const CHANNEL: { readonly [type: string]: string } = {
  WELCOME_EMAIL: 'email',
  BANK_LINK_NUDGE_SMS: 'sms',
  INSUFFICIENT_FUNDS_EMAIL: 'email',
  HIGH_RISK_ALERT: 'internal',
  DELAYED: 'email',
  ECHO: 'in_app',
  ABANDONED: 'in_app',
  TYPING: 'in_app',
  NOTES: 'in_app',
  REMINDER: 'email',
  FOLLOW_UP: 'in_app',
  MINUTELY: 'in_app',
};

/** The notification types of `expectedSends`, and those with a limit. */
export const WINDOWED: ReadonlySet<string> = new Set(Object.values(CANDIDATES).flat());
export const LIMITED: ReadonlySet<string> = new Set([...WINDOWED].filter((type) => type !== 'HIGH_RISK_ALERT'));

/**
 * Returns the expected number of sends to one user by `type window`: a second implementation of the four rules of the fintech
 * example, over all events of the user, in any order of arrival.
 */
export function expectedSends(events: readonly PostedEvent[]): Map<string, number> {
  const sends = new Map<string, number>();
  const times = (type: string) => events.filter((e) => e.event_type === type).map((e) => Date.parse(e.event_timestamp));

  if (events.some((e) => e.event_type === 'signup_completed' && e.user_traits.marketing_opt_in === true)) {
    sends.set(windowOf('WELCOME_EMAIL', 0), 1);
  }
  const signups = times('signup_completed');
  if (times('link_bank_success').some((link) => signups.some((s) => s <= link && link <= s + DAY))) {
    sends.set(windowOf('BANK_LINK_NUDGE_SMS', 0), 1);
  }
  for (const event of events) {
    if (event.event_type !== 'payment_failed') continue;
    const at = Date.parse(event.event_timestamp);
    if (event.properties.failure_reason === 'INSUFFICIENT_FUNDS') {
      sends.set(windowOf('INSUFFICIENT_FUNDS_EMAIL', at), 1);
    }
    if (Number(event.properties.attempt_number) >= 3) {
      const key = windowOf('HIGH_RISK_ALERT', at);
      sends.set(key, (sends.get(key) ?? 0) + 1);
    }
  }
  return sends;
}

/** Returns the window in which a send counts. Sends without a limit are counted by day as well. */
export function windowOf(type: string, triggerTime: number): string {
  const ever = type === 'WELCOME_EMAIL' || type === 'BANK_LINK_NUDGE_SMS';
  return `${type} ${ever ? 'ever' : new Date(triggerTime).toISOString().slice(0, 10)}`;
}
