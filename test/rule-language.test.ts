import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { compileRuleSet } from '../src/catalog/compile/compile-rule-set.ts';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { CatalogError } from '../src/errors.ts';
import type { CatalogData, Rule } from '../src/model/catalog.ts';
import { runs } from './support/properties.ts';

const EVENTS = `traits:
  plan: { enum: [free, pro] }
  role: string
  plan_hint: string
  vip: boolean
  trial_ends_at: timestamp
events:
  signup_completed: { properties: { plan: string } }
  booking_confirmed: { properties: { booking_id: string, starts_at: timestamp, seats: integer } }
  booking_rescheduled: { properties: { booking_id: string, starts_at: timestamp } }
  booking_cancelled: { properties: { booking_id: string } }
  card_declined: { properties: { card_id: string, amount: number } }
  vip_reached: { properties: { total: number, at: timestamp }, required: [total] }
  seat_given:
    schema:
      properties: { seats: { type: integer }, row: {}, by: { $ref: '#/$defs/time' } }
      $defs: { time: { type: string, format: date-time } }
      if: { properties: { seats: { const: 1 } }, required: [seats] }
      then: { properties: { row: { const: A } } }
      else: { properties: { row: { const: B } } }
`;
const NOTIFICATIONS = `notifications:
  TELL: { category: SYSTEM, channels: [internal, webhook] }
  PRO_TIP: { category: MARKETING, channels: [internal] }
  FREE_TIP: { category: MARKETING, channels: [internal] }
`;

/** A catalog with the rule TELL of these lines, after `before` (more rules, or groups). */
function source(lines: string, before = ''): Map<string, string> {
  const body = lines
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('');
  return new Map([
    ['events.yaml', EVENTS],
    ['notifications.yaml', NOTIFICATIONS],
    ['rules.yaml', `${before}rules:\n  TELL:\n${body}`],
  ]);
}

async function told(files: ReadonlyMap<string, string>): Promise<string[]> {
  try {
    await validateCatalogFiles(files);
    return [];
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return error.problems.map(
      ({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? ` (${hint})` : ''}`,
    );
  }
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('parses every key', () => {
  const on = 'on: booking_confirmed';
  const rows: [string, Partial<Rule>][] = [
    ['on: [booking_confirmed, booking_rescheduled]', { on: ['booking_confirmed', 'booking_rescheduled'] }],
    ['on: { trait: plan, to: pro }', { on: [], changes: [{ trait: 'plan', to: 'pro' }] }],
    ['on: { trait: vip, to: true }', { changes: [{ trait: 'vip', to: true }] }],
    [
      'on: [booking_confirmed, { trait: plan }]\nwhen: event.seats > 1',
      { on: ['booking_confirmed'], changes: [{ trait: 'plan' }] },
    ],
    ['on: { notification: PRO_TIP, is: failed }', { on: ['notification.failed'], about: ['PRO_TIP'] }],
    [
      'on: { notification: [PRO_TIP, FREE_TIP], is: [failed, bounced] }\nwhen: event.channel == "sms"',
      { on: ['notification.failed', 'notification.bounced'], about: ['PRO_TIP', 'FREE_TIP'] },
    ],
    [
      'every: Monday 09:00\nfor: user.role == "practitioner"\nzone: user',
      {
        on: [],
        every: { text: 'monday 09:00', cron: '0 9 * * 1' },
        audience: 'user.role == "practitioner"',
        zone: 'user',
      },
    ],
    [
      'every: hour\nfor: true\nwhen: now > timestamp("2026-01-01T00:00:00Z")\nzone: europe/lisbon',
      { zone: 'Europe/Lisbon' },
    ],
    [`${on}\nkey: event.booking_id`, { key: 'event.booking_id' }],
    [
      'on: card_declined\nafter: { event: signup_completed, within: 24h }\nwhen: matched.signup_completed.plan == "pro"',
      { after: [{ event: 'signup_completed', within: DAY, withinText: '24h' }] },
    ],
    [
      `on: booking_cancelled\nafter:
  - { event: booking_confirmed, within: 30d, same: event.booking_id }
  - { event: booking_rescheduled, within: 1d, same: event.booking_id }`,
      {
        after: [
          { event: 'booking_confirmed', within: 30 * DAY, withinText: '30d', same: 'event.booking_id' },
          { event: 'booking_rescheduled', within: DAY, withinText: '1d', same: 'event.booking_id' },
        ],
      },
    ],
    [
      `${on}\ncount: { at_least: 5, within: 10m, of: card_declined }`,
      {
        count: {
          of: ['card_declined'],
          how: 'at_least',
          n: 5,
          window: { kind: 'rolling', span: 10 * MINUTE, text: '10m' },
        },
      },
    ],
    [
      'on: card_declined\nzone: user\ncount: { at_most: 3, within: day, same: event.card_id }',
      {
        count: {
          of: ['card_declined'],
          how: 'at_most',
          n: 3,
          window: { kind: 'day', zone: 'user', text: 'day' },
          same: 'event.card_id',
        },
      },
    ],
    [
      'on: card_declined\ncount: { exactly: 2, since: signup_completed }',
      {
        count: {
          of: ['card_declined'],
          how: 'exactly',
          n: 2,
          window: { kind: 'since', event: 'signup_completed', text: 'since signup_completed' },
        },
      },
    ],
    [
      `${on}\nunless: { event: [booking_cancelled, notification.opened], within: 7d, at_least: 2 }`,
      {
        unless: {
          events: ['booking_cancelled', 'notification.opened'],
          atLeast: 2,
          within: 7 * DAY,
          withinText: '7d',
        },
      },
    ],
    [
      `${on}\ndelay: 2h\nat: 09:00\nrecheck: false\nagain: ignore\ncancel_on: booking_cancelled`,
      {
        delay: { span: 2 * HOUR, text: '2h' },
        at: { text: '09:00', offset: 0, timeOfDay: 540 },
        recheck: false,
        again: 'ignore',
        cancelOn: ['booking_cancelled'],
      },
    ],
    [
      `${on}\nat: event.starts_at - 24h\nif_past: send_now\nif_missing: error`,
      {
        at: { text: 'event.starts_at - 24h', field: 'event.starts_at', offset: -DAY },
        ifPast: 'send_now',
        ifMissing: 'error',
        again: 'restart',
      },
    ],
    [
      `${on}\nat: user.trial_ends_at - 3d 09:00`,
      { at: { text: 'user.trial_ends_at - 3d 09:00', field: 'user.trial_ends_at', offset: -3 * DAY, timeOfDay: 540 } },
    ],
    [`${on}\ndebounce: 1h`, { debounce: { quiet: HOUR, text: '1h' } }],
    [
      `${on}\ndebounce: { quiet: 1h, at_most: 24h }\nunless: { event: booking_cancelled, within: 1h }`,
      { debounce: { quiet: HOUR, atMost: DAY, text: '1h, at most 24h' } },
    ],
    [
      `${on}\nthrottle: 15m\nlimit: once`,
      {
        limits: [
          { max: 1, period: { kind: 'ever' }, text: 'once' },
          { max: 1, period: { kind: 'rolling', span: 15 * MINUTE }, text: '1 per 15m', throttle: true },
        ],
      },
    ],
    [
      `${on}\nkey: event.booking_id\nlimit: [once, once per person]`,
      {
        limits: [
          { max: 1, period: { kind: 'ever' }, text: 'once' },
          { max: 1, period: { kind: 'ever' }, text: 'once per person', perUser: true },
        ],
      },
    ],
    [`${on}\nexpires: 2d`, { expires: 2 * DAY }],
    [
      `${on}\ndigest: { window: 15m, first: now, keep: 20 }`,
      { digest: { window: { kind: 'fixed', span: 15 * MINUTE, text: '15m' }, keep: 20, firstNow: true } },
    ],
    [
      `${on}\ndigest: { sliding: { quiet: 15m, at_most: 2h } }\ncancel_on: booking_cancelled`,
      {
        digest: {
          window: { kind: 'sliding', span: 15 * MINUTE, atMost: 2 * HOUR, text: '15m, at most 2h' },
          keep: 50,
          firstNow: false,
        },
      },
    ],
    [
      `${on}\nzone: user\ndigest: { at: day 18:00 }`,
      {
        digest: {
          window: { kind: 'calendar', recurrence: { text: 'day 18:00', cron: '0 18 * * *' }, text: 'day 18:00' },
          keep: 50,
          firstNow: false,
        },
      },
    ],
    [on, { notify: ['TELL'], actions: [] }],
    [
      `${on}\nnotify: [PRO_TIP, FREE_TIP]\nchannels: internal`,
      { notify: ['PRO_TIP', 'FREE_TIP'], channels: ['internal'] },
    ],
    [
      `${on}\nnotify: none\ndo: { set: { vip: true, plan_hint: '"pro"' } }`,
      {
        notify: [],
        actions: [
          { kind: 'set', trait: 'vip', value: 'true' },
          { kind: 'set', trait: 'plan_hint', value: '"pro"' },
        ],
      },
    ],
    [
      `${on}\ndo:\n  - emit: vip_reached\n    with: { total: event.seats * 2, at: event.starts_at }\n  - cancel: TELL`,
      {
        notify: ['TELL'],
        actions: [
          { kind: 'emit', event: 'vip_reached', properties: { total: 'event.seats * 2', at: 'event.starts_at' } },
          { kind: 'cancel', rule: 'TELL' },
        ],
      },
    ],
    [`${on}\ndata: { total: event.seats * 2, n: 5 }`, { data: { total: 'event.seats * 2', n: '5' } }],
    [
      `${on}\nchoose:\n  - { when: user.plan == "pro", notify: PRO_TIP }\n  - { when: user.role == "guest", notify: none }\n  - { notify: FREE_TIP }`,
      {
        notify: [],
        choose: [
          { when: 'user.plan == "pro"', notify: ['PRO_TIP'] },
          { when: 'user.role == "guest"', notify: [] },
          { notify: ['FREE_TIP'] },
        ],
      },
    ],
    [
      `${on}\nsplit: { control: 10%, reminder: 45.5%, PRO_TIP: 44.5% }`,
      {
        notify: ['TELL'],
        split: [
          { name: 'control', share: 10, notify: [] },
          { name: 'reminder', share: 45.5, notify: ['TELL'] },
          { name: 'PRO_TIP', share: 44.5, notify: ['PRO_TIP'] },
        ],
      },
    ],
    [`${on}\nsplit: { PRO_TIP: 50%, FREE_TIP: 50% }`, { notify: [] }],
    [
      `${on}\nsplit: { holdout: 10%, all: 90% }\nchoose: [{ notify: [PRO_TIP] }]`,
      {
        notify: [],
        split: [
          { name: 'holdout', share: 10, notify: [] },
          { name: 'all', share: 90, notify: ['PRO_TIP'] },
        ],
      },
    ],
  ];

  it.each(rows)('%s', async (lines, expected) => {
    const data = await validateCatalogFiles(source(lines));
    expect(data.rules[0]).toMatchObject(expected);
    compileRuleSet(1, data);
  });

  it('groups', async () => {
    const data = await validateCatalogFiles(
      source(`${on}\ngroup: promos`, 'groups:\n  promos: { limit: [2 per day, 5 per 7d] }\n'),
    );
    expect(data.groups).toMatchObject([{ name: 'promos', limits: [{ max: 2 }, { max: 5 }] }]);
    expect(data.rules[0]?.group).toBe('promos');
  });

  it('a rule that only has actions needs no notification of its name', async () => {
    const files = source(on);
    files.set('rules.yaml', 'rules:\n  mark_vip: { on: vip_reached, do: { set: { vip: true } } }\n');
    expect((await validateCatalogFiles(files)).rules[0]).toMatchObject({ name: 'mark_vip', notify: [] });
  });
});

describe('reports a mistake in a rule', () => {
  const on = 'on: booking_confirmed';
  const rows: [string, ...string[]][] = [
    // Triggers
    ['on: booking_confirmd', '3:9: no event is called "booking_confirmd" (did you mean booking_confirmed?)'],
    ['on: notification.open', '3:9: no event is called "notification.open" (did you mean notification.opened?)'],
    ['on: []', '3:9: "on" is an empty list (on: signup_completed)'],
    ['on: { trait: plann }', '3:18: no trait is called "plann" (did you mean plan?)'],
    [
      'on: { trait: plan, to: prof }',
      '3:28: plan never has this value, which is text ("prof"), but must be one of "free", "pro"',
    ],
    ['on: { to: pro }', '3:9: "on" needs "trait" beside "to" (on: { trait: plan, to: pro })'],
    [
      'on: { notification: PRO_TIPP, is: sent }',
      '3:25: no notification is called "PRO_TIPP" (did you mean PRO_TIP?)',
      '3:39: "sent" is not an outcome of a notification (use one of: delivered, opened, clicked, bounced, failed)',
    ],
    [
      'on: { is: failed }',
      '3:9: "on" does not say which notification (on: { notification: WELCOME_EMAIL, is: failed }; for all notifications: on: notification.failed)',
    ],
    [
      'on: [{ notification: PRO_TIP, is: failed }, { notification: TELL, is: bounced }]',
      '3:49: this names other notifications than the trigger before it (use one list for all: { notification: [A, B], is: [failed, bounced] }; or write two rules)',
    ],
    ['every: monday 9:00\nfor: user.role == "x"', '3:12: "monday 9:00" is not a schedule (write monday 09:00)'],
    ['every: monday 09:00', '3:5: "every" needs "for" (for: user.role == "practitioner", or for: true for all users)'],
    ['every: hour\nfor: event.plan == "x"', '4:10: event is not known here: only user and now are'],
    [
      `every: hour\nfor: true\n${on}\ndelay: 2h`,
      '5:5: "on" cannot be combined with "every" (a recurring rule has no event and no wait)',
      '6:5: "delay" cannot be combined with "every" (a recurring rule has no event and no wait)',
    ],
    [
      `${on}\nfor: user.role == "x"`,
      '4:5: "for" needs "every" (for a rule with an event, write the condition in "when")',
    ],
    [`${on}\nzone: Europe/Lisbonn`, '4:11: there is no time zone "Europe/Lisbonn" (did you mean Europe/Lisbon?)'],
    // Correlation
    [
      `${on}\nkey: event.bookingid`,
      '4:16: event has no field "bookingid": it has booking_id, starts_at, seats (did you mean booking_id?)',
    ],
    [`${on}\nkey: user.plan`, '4:10: user is not known here: only event is'],
    [
      `${on}\nkey: event.booking_id\ndelay: 1h\ncancel_on: signup_completed`,
      '4:16: for signup_completed: event has no field "booking_id": it has plan',
    ],
    [`${on}\nkey: '[event.booking_id]'`, '4:11: this is a list, but must be text or a number'],
    // Patterns
    [`${on}\nafter: []`, '4:12: "after" is an empty list (after: { event: signup_completed, within: 24h })'],
    [
      `${on}\nafter:\n  - { event: card_declined }`,
      '5:9: "after" needs "within" (after: { event: signup_completed, within: 24h })',
    ],
    [
      `${on}\nafter: { event: card_declined, within: 1d, same: event.card_id }`,
      '4:60: for booking_confirmed: event has no field "card_id": it has booking_id, starts_at, seats',
    ],
    [
      `${on}\nafter: { event: card_declined, within: 1d }\nwhen: matched.card_declined.amuont > 3`,
      '5:33: matched.card_declined has no field "amuont": it has card_id, amount (did you mean amount?)',
    ],
    [`${on}\nwhen: matched.x == 1`, '4:11: there is no matched event: the rule has no after (add after)'],
    [
      `${on}\nwhen: now > timestamp("2026-01-01T00:00:00Z")`,
      '4:11: now is known only where the rule waits (add delay, at, unless, debounce or every)',
    ],
    [
      `${on}\ncount: { within: 1h }`,
      '4:5: "count" needs at_least, at_most or exactly (count: { at_least: 5, within: 10m })',
    ],
    [
      `${on}\ncount: { at_least: 2, exactly: 2, within: 1h, since: signup_completed }`,
      '4:5: "count" has at_least and exactly: keep one of them (count: { at_least: 5, within: 10m })',
      '4:51: "within" and "since" cannot be combined (keep one of them)',
    ],
    [
      `${on}\ncount: { at_least: 0, within: 1h }`,
      '4:24: "at_least" must be a whole number from 1 to 1000 (at_least: 1)',
    ],
    [`${on}\ncount: { at_least: 2 }`, '4:5: "count" needs within or since (count: { at_least: 5, within: 10m })'],
    [
      'on: { trait: plan }\ncount: { at_least: 2, within: 1h }',
      '4:5: "count" needs "of" in a rule without a trigger event (of: payment_failed)',
    ],
    [
      `${on}\nunless: { within: 1h, at_least: 1.5 }`,
      '4:5: "unless" needs "event" (unless: { event: session_created, within: 7d })',
      '4:37: "at_least" must be a whole number from 1 to 1000 (at_least: 1)',
    ],
    // Waits
    [
      `${on}\nat: event.start_at - 24h`,
      '4:15: event has no field "start_at": it has booking_id, starts_at, seats (did you mean starts_at?)',
    ],
    [`${on}\nat: event.seats + 1h`, '4:9: this is a number, but must be a time (at: event.starts_at - 24h)'],
    [`${on}\nat: 9am`, '4:9: "9am" is not a point in time (write 09:00)'],
    [
      `${on}\nat: event.starts_at\ndelay: 2h`,
      '5:5: "delay" cannot be combined with at: event.starts_at (the field gives the time: keep one of them)',
    ],
    [
      `${on}\nat: 09:00\nif_past: skip`,
      '5:5: "if_past" needs a field in "at" (the next 09:00 is never past or missing)',
    ],
    [`${on}\nif_missing: skip`, '4:5: "if_missing" needs at (it applies to a time that comes from a field)'],
    [`${on}\nat: event.starts_at\nif_past: send`, '5:14: "send" is not a value of "if_past" (did you mean send_now?)'],
    [
      `${on}\ncancel_on: booking_cancelled`,
      '4:5: "cancel_on" needs delay, at, unless, debounce or digest (it ends a wait)',
    ],
    [`${on}\nagain: beside`, '4:5: "again" needs delay, at or unless (it applies to rules that wait)'],
    [`${on}\ndelay: 1h\nrecheck: no`, '5:14: "recheck" must be true or false (recheck: true, or recheck: false)'],
    [
      `${on}\ndigest: { window: 15m }\ndelay: 2h`,
      '5:5: "delay" cannot be combined with "digest" (a digest waits for the end of its own window)',
    ],
    [
      `${on}\ndebounce: 1h\nagain: restart`,
      '5:5: "again" cannot be combined with "debounce" (each new trigger restarts the wait of a debounce)',
    ],
    [
      `${on}\ndebounce: { quiet: 1h, at_most: 30m }`,
      '4:28: "at_most" (30m) is shorter than "quiet" (1h) (debounce: { quiet: 1h, at_most: 24h })',
    ],
    [
      `${on}\ndigest: { sliding: { quiet: 15m }, keep: 101 }`,
      '4:15: "sliding" needs "at_most" (sliding: { quiet: 15m, at_most: 2h })',
      '4:46: "keep" must be a whole number from 1 to 100 (keep: 1)',
    ],
    [
      `${on}\ndigest: { window: 15m, at: day 18:00, first: later }`,
      '4:5: "digest" has window and at: keep one of them (digest: { window: 15m, first: now }, or digest: { at: day 18:00 })',
      '4:50: "later" is not a value of "first" (use now)',
    ],
    [`${on}\ndigest: 15m`, '4:13: "digest" must be a mapping, not text (digest: { window: 15m, first: now })'],
    // Limits
    [
      `${on}\nlimit: 1 per 15m\nthrottle: 15m`,
      '5:5: "throttle: 15m" and "limit: 1 per 15m" are limits of the same period (keep one of them)',
    ],
    [
      `${on}\nlimit: [once, once per person]`,
      '4:19: "once" and "once per person" are limits of the same period (keep the stricter one)',
    ],
    [
      `${on}\ngroup: promos`,
      '4:12: no group is called "promos" (add beside "rules": groups: { promos: { limit: 2 per day } })',
    ],
    // Notifications and actions
    [`${on}\nnotify: none`, '4:5: the rule sends nothing and has no actions (add "do")'],
    [
      `${on}\nnotify: none\ndo: { set: { vip: true } }\nchannels: internal`,
      '6:5: "channels" cannot be combined with "notify: none" (the rule sends nothing)',
    ],
    [`${on}\nchannels: sms`, '4:15: TELL is not sent by sms (channels: [internal, webhook])'],
    [
      `${on}\nnotify: [TELL, PRO_TIP]\nchannels: webhook`,
      '5:5: no channel of PRO_TIP is left (its channels: internal)',
    ],
    [
      `${on}\ndata: { a-b: 1 }`,
      '4:13: "a-b" is not a valid name in a template (use letters, digits and _: data: { total: event.amount * 2 })',
    ],
    [
      `${on}\nsplit: { control: 50%, x: 50% }\ndata: { variant: 1 }`,
      '5:13: "variant" is reserved for the variant of the split (choose another name)',
    ],
    [
      `${on}\nchoose:\n  - { notify: PRO_TIP }\n  - { when: user.vip, notify: FREE_TIP }`,
      '5:9: a branch without "when" is always taken: those after it never are (put it last)',
    ],
    [
      `${on}\nnotify: TELL\nchoose: [{ when: user.vip == 1 }]`,
      '4:5: "notify" cannot be combined with "choose" (each branch has its own "notify")',
      '5:14: the branch needs "notify" (to send nothing, write notify: none)',
      '5:22: user.vip is true or false and 1 is a number: they are never equal',
    ],
    [
      `${on}\nchoose: PRO_TIP`,
      '4:13: "choose" must be a list of branches (choose: [{ when: user.plan == "pro", notify: PRO_TIP }, { notify: FREE_TIP }])',
    ],
    [
      `${on}\nsplit: { control: 10%, reminder: 80% }`,
      '4:5: the variants of the split add up to 90% (they must add up to 100%)',
    ],
    [`${on}\nsplit: { control: 10, reminder: 90% }`, '4:23: the share of "control" is not a percentage (write 10%)'],
    [
      `${on}\nsplit: { PRO_TIP: 50%, none: 50% }\nnotify: TELL`,
      '5:5: no variant of the split sends this (split: { control: 10%, reminder: 90% })',
    ],
    [`${on}\ndo: { }`, '4:9: "do" needs set, emit or cancel (do: { set: { plan_hint: event.plan } })'],
    [`${on}\ndo: { set: { vip: true }, cancel: TELL }`, '4:31: "set" and "cancel" are two actions (make "do" a list)'],
    [
      `${on}\ndo: { set: { vipp: true, vip: 1, email: event.x } }`,
      '4:18: no trait is called "vipp" (did you mean vip?)',
      '4:35: vip is true or false, but this is a number',
      '4:38: email is an address, and a rule cannot set an address (post it in the traits of an event)',
      '4:51: event has no field "x": it has booking_id, starts_at, seats',
    ],
    [
      `${on}\ndo: { emit: vip_reached, with: { totl: 1, at: event.seats } }`,
      '4:11: vip_reached requires "total" (with: { total: event.total })',
      '4:38: vip_reached has no property "totl" (did you mean total?)',
      '4:51: at is text, but this is a number',
    ],
    [
      `${on}\ndo: [{ set: { plan: '"gold"' } }, { set: { plan: '"pro"' } }, { set: { plan_hint: '"gold"' } }]`,
      '4:26: plan is text ("gold"), but must be one of "free", "pro"',
    ],
    [
      `${on}\ndo: { emit: seat_given, with: { seats: 3 / 2, row: '"A"', by: '"me"' } }`,
      '4:44: seats is the number 1.5, but must be an integer',
      '4:68: by is text ("me"), but must be a date and time with a zone (2025-10-31T19:00:00Z)',
    ],
    [
      `${on}\ndo: { emit: notification.failed }`,
      '4:17: "notification.failed" is reserved for the outcomes of notifications (choose another name)',
    ],
    [
      `${on}\ndo: { with: { x: 1 }, cancel: TELLS }`,
      '4:11: "with" needs "emit" (do: { emit: vip_reached, with: { total: event.total } })',
      '4:35: no rule is called "TELLS" (did you mean TELL?)',
    ],
  ];

  it.each(rows)('%s', async (lines, ...expected) => {
    expect(await told(source(lines))).toEqual(expected);
  });

  it('in the event that "set" emits, if it has a schema of its own', async () => {
    const files = source(`${on}\ndo: { set: { vip: true } }`);
    files.set('events.yaml', `${EVENTS}  profile.updated: { properties: { by: string }, required: [by] }\n`);
    expect(await told(files)).toEqual([
      '4:11: profile.updated requires "by", but "set" gives it no properties (remove it from "required")',
    ]);
  });

  it('in a group', async () => {
    const files = source(on, 'groups:\n  promos: { limits: 2 per day }\n  x y: { limit: [once, 1 ever] }\n');
    expect(await told(files)).toEqual([
      '2:3: promos has no limit (promos: { limit: 2 per day })',
      '2:13: unknown key "limits" in promos (did you mean limit?)',
      '3:3: "x y" is not a valid name (start with a letter, then use letters, digits, _ . and -: promos)',
      '3:24: "once" and "once" are limits of the same period (keep the stricter one)',
    ]);
  });
});

describe('with any content of a rule', () => {
  const event = fc.constantFrom('signup_completed', 'booking_confirmed', 'booking_rescheduled', 'notification.opened');
  const span = fc.constantFrom('15m', '1h', '24h', '7d', '', '0s');
  const cel = fc.constantFrom(
    ...['event.booking_id', 'event.starts_at', 'user.plan == "pro"', 'matched.signup_completed.plan', 'now', 'true'],
    ...['event.seats > 1', '[1]', 'has(event.seats)', '1 +', ''],
  );
  const type = fc.constantFrom('TELL', 'PRO_TIP', 'none', 'control', 'other');
  const some = (one: fc.Arbitrary<unknown>) => fc.oneof(one, fc.array(one, { maxLength: 3 }));
  const map = (shape: { readonly [key: string]: fc.Arbitrary<unknown> }) => fc.record(shape, { requiredKeys: [] });
  const at = fc.constantFrom('09:00', 'monday 09:00', 'event.starts_at - 24h', 'user.trial_ends_at', 'day 18:00');
  const policy = fc.constantFrom('skip', 'send_now', 'error', 'restart', 'ignore', 'beside');
  const keys = {
    on: some(
      fc.oneof(
        event,
        map({ trait: fc.constantFrom('plan', 'vip'), to: fc.constantFrom('pro', true) }),
        map({ notification: type, is: fc.constantFrom('failed', 'opened') }),
      ),
    ),
    every: fc.constantFrom('monday 09:00', 'hour', 'cron 0 9 * * 1', 'x'),
    for: cel,
    zone: fc.constantFrom('user', 'UTC', 'Europe/Lisbon', 'x'),
    key: cel,
    when: cel,
    after: some(map({ event, within: span, same: cel })),
    count: map({
      at_least: fc.nat(3),
      exactly: fc.nat(3),
      within: fc.oneof(span, fc.constant('day')),
      since: event,
      of: some(event),
    }),
    unless: map({ event: some(event), within: span, same: cel, at_least: fc.nat(3) }),
    delay: span,
    at,
    if_past: policy,
    if_missing: policy,
    recheck: fc.boolean(),
    cancel_on: some(event),
    again: policy,
    debounce: fc.oneof(span, map({ quiet: span, at_most: span })),
    throttle: span,
    digest: map({
      window: span,
      sliding: map({ quiet: span, at_most: span }),
      at,
      first: fc.constant('now'),
      keep: fc.nat(200),
    }),
    expires: span,
    limit: some(fc.constantFrom('once', '1 per day', '3 per 24h per person', 'x')),
    group: fc.constantFrom('g', 'h'),
    notify: some(type),
    channels: some(fc.constantFrom('internal', 'webhook', 'sms')),
    data: fc.dictionary(fc.constantFrom('a', 'b', 'variant', 'a b'), cel, { noNullPrototype: true }),
    choose: fc.array(map({ when: cel, notify: some(type) }), { maxLength: 3 }),
    split: fc.dictionary(type, fc.constantFrom('50%', '100%', 5), { maxKeys: 2, noNullPrototype: true }),
    do: some(
      map({
        set: fc.dictionary(fc.constantFrom('vip', 'plan', 'email'), cel, { maxKeys: 2, noNullPrototype: true }),
        emit: event,
        with: fc.dictionary(fc.constantFrom('plan', 'seats', 'booking_id'), cel, { noNullPrototype: true }),
        cancel: type,
      }),
    ),
  };
  // Only a few keys at a time: among many, some always contradict each other.
  const rule = fc
    .subarray(Object.keys(keys) as (keyof typeof keys)[], { maxLength: 4 })
    .chain((chosen) => fc.record({ on: event, ...Object.fromEntries(chosen.map((key) => [key, keys[key]])) }));

  it('the rule is parsed and compiles, or its mistakes are reported', async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(rule, async (written) => {
        const files = source('on: signup_completed');
        files.set('rules.yaml', stringify({ groups: { g: { limit: 'once' } }, rules: { TELL: written } }));
        let data: CatalogData;
        try {
          data = await validateCatalogFiles(files);
        } catch (error) {
          expect(error).toBeInstanceOf(CatalogError);
          for (const { message, line } of (error as CatalogError).problems) {
            expect(message).not.toMatch(/undefined|\[object/);
            expect(line).toBeGreaterThan(0);
          }
          return;
        }
        read++;
        expect(JSON.parse(JSON.stringify(data))).toEqual(data);
        compileRuleSet(1, data);
      }),
      runs(400),
    );
    expect(read).toBeGreaterThan(20);
  });
});
