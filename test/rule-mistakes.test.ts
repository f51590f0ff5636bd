import { describe, expect, it } from 'vitest';
import { buildRuleFiles, EVENTS, formatRuleMistakes } from './support/rule-files.ts';

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
      '3:39: "sent" is not an outcome of a notification (use one of: delivered, opened, clicked, bounced, failed, dropped)',
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
      '5:5: "on" cannot be combined with "every" (a scheduled rule has no event and no wait)',
      '6:5: "delay" cannot be combined with "every" (a scheduled rule has no event and no wait)',
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
      '4:28: "at_most" (30m) is shorter than "quiet" (1h) (write at_most: 1h or more)',
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
    expect(await formatRuleMistakes(buildRuleFiles(lines))).toEqual(expected);
  });

  it('in the event that "set" emits, if its schema requires properties', async () => {
    const files = buildRuleFiles(`${on}\ndo: { set: { vip: true } }`);
    files.set('events.yaml', `${EVENTS}  profile.updated: { properties: { by: string }, required: [by] }\n`);
    expect(await formatRuleMistakes(files)).toEqual([
      '4:11: profile.updated requires "by", but "set" gives it no properties (remove it from "required")',
    ]);
  });

  it('in a group', async () => {
    const files = buildRuleFiles(on, 'groups:\n  promos: { limits: 2 per day }\n  x y: { limit: [once, 1 ever] }\n');
    expect(await formatRuleMistakes(files)).toEqual([
      '2:3: promos has no limit (promos: { limit: 2 per day })',
      '2:13: unknown key "limits" in promos (did you mean limit?)',
      '3:3: "x y" is not a valid name (start with a letter, then use letters, digits, _ . and -: promos)',
      '3:24: "once" and "once" are limits of the same period (keep the stricter one)',
    ]);
  });
});
