/** The sends that the fintech example must make. Times are abbreviated: `31 10:00` is 2025-10-31T10:00:00Z. */

export interface Case {
  readonly name: string;
  readonly events: readonly object[];
  readonly sends: { readonly [type: string]: number };
}

const signup = (at: string, marketing_opt_in?: boolean) => event('signup_completed', at, {}, { marketing_opt_in });
const link = (at: string) => event('link_bank_success', at);
const failed = (at: string, properties: object = {}, user = 'u1') =>
  event(
    'payment_failed',
    at,
    { failure_reason: 'INSUFFICIENT_FUNDS', attempt_number: 1, amount: 100, ...properties },
    {},
    user,
  );

export const CASES: readonly Case[] = [
  { name: 'a welcome on opt-in', events: [signup('31 19:00', true)], sends: { WELCOME_EMAIL: 1 } },
  { name: 'no welcome without opt-in', events: [signup('31 19:00', false)], sends: {} },
  { name: 'no welcome without an answer', events: [signup('31 19:00')], sends: {} },
  {
    name: 'a welcome once ever',
    events: [signup('31 19:00', true), signup('33 08:00', true)],
    sends: { WELCOME_EMAIL: 1 },
  },
  {
    name: 'an event that sends nothing does not use the limit',
    events: [signup('31 10:00', false), signup('31 11:00', true)],
    sends: { WELCOME_EMAIL: 1 },
  },
  {
    name: 'a nudge soon after signup, opted in or not',
    events: [signup('31 10:00', false), link('31 12:00')],
    sends: { BANK_LINK_NUDGE_SMS: 1 },
  },
  {
    name: 'exactly 24 hours is within 24 hours',
    events: [signup('31 10:00', true), link('32 10:00')],
    sends: { WELCOME_EMAIL: 1, BANK_LINK_NUDGE_SMS: 1 },
  },
  {
    name: '24 hours and a second is not within 24 hours',
    events: [signup('31 10:00', true), link('32 10:00:01')],
    sends: { WELCOME_EMAIL: 1 },
  },
  { name: 'no nudge without a signup', events: [link('31 12:00')], sends: {} },
  {
    name: 'no nudge when the bank was linked before the signup',
    events: [signup('31 12:00', true), link('31 11:00')],
    sends: { WELCOME_EMAIL: 1 },
  },
  {
    name: 'an earlier signup counts although a later one is known',
    events: [signup('31 10:00', true), signup('31 13:00', true), link('31 12:00')],
    sends: { WELCOME_EMAIL: 1, BANK_LINK_NUDGE_SMS: 1 },
  },
  {
    name: 'a nudge once ever',
    events: [signup('31 10:00', false), link('31 11:00'), link('31 12:00')],
    sends: { BANK_LINK_NUDGE_SMS: 1 },
  },
  {
    name: 'insufficient funds once per UTC day',
    events: [failed('32 10:00'), failed('32 18:00'), failed('33 00:00')],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 2 },
  },
  {
    name: 'the day is the UTC day, not that of the offset',
    events: [failed('31 22:00'), { ...failed('31 23:00'), event_timestamp: '2025-11-01T01:00:00+02:00' }],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 1 },
  },
  {
    name: 'a late event counts toward the day it happened',
    events: [failed('31 09:00'), failed('32 09:00'), failed('31 23:00')],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 2 },
  },
  { name: 'no email for another reason', events: [failed('32 10:00', { failure_reason: 'EXPIRED_CARD' })], sends: {} },
  {
    name: 'an alert on the third attempt and the email',
    events: [failed('32 10:00', { attempt_number: 3 })],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 1, HIGH_RISK_ALERT: 1 },
  },
  {
    name: 'the alert has no limit',
    events: [failed('32 10:00', { attempt_number: 3 }), failed('32 11:00', { attempt_number: 4 })],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 1, HIGH_RISK_ALERT: 2 },
  },
  {
    name: 'the same event twice acts once',
    events: [failed('32 10:00', { attempt_number: 3 }), failed('32 10:00', { attempt_number: 3 })],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 1, HIGH_RISK_ALERT: 1 },
  },
  {
    name: 'the email and no alert without an attempt number',
    events: [event('payment_failed', '31 19:30', { failure_reason: 'INSUFFICIENT_FUNDS' })],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 1 },
  },
  {
    name: 'no send for an event without a rule',
    events: [event('payment_initiated', '31 19:20', { amount: 10 })],
    sends: {},
  },
  {
    name: 'two users do not share a limit',
    events: [failed('32 10:00'), failed('32 10:00', {}, 'u2')],
    sends: { INSUFFICIENT_FUNDS_EMAIL: 2 },
  },
];

/** Days count on from October 2025: 32 is the first of November. */
function event(
  event_type: string,
  at: string,
  properties: object = {},
  user_traits: object = {},
  user_id = 'u1',
): object {
  const [day, clock = ''] = at.split(' ');
  const date = new Date(Date.UTC(2025, 9, Number(day))).toISOString().slice(0, 10);
  return {
    user_id,
    event_type,
    event_timestamp: `${date}T${clock.length === 5 ? `${clock}:00` : clock}Z`,
    properties,
    user_traits: JSON.parse(JSON.stringify(user_traits)),
  };
}
