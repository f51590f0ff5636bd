import { describe, expect, it } from 'vitest';
import type { Rule } from '../src/model/catalog.ts';
import { compileFiles, parseCatalog } from './support/catalog.ts';
import { buildRuleFiles } from './support/rule-files.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('parses every key of a rule:', () => {
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
    const files = buildRuleFiles(lines);
    expect((await parseCatalog(files)).rules[0]).toMatchObject(expected);
    await compileFiles(files);
  });

  it('groups', async () => {
    const data = await parseCatalog(
      buildRuleFiles(`${on}\ngroup: promos`, 'groups:\n  promos: { limit: [2 per day, 5 per 7d] }\n'),
    );
    expect(data.groups).toMatchObject([{ name: 'promos', limits: [{ max: 2 }, { max: 5 }] }]);
    expect(data.rules[0]?.group).toBe('promos');
  });

  it('a rule that only has actions, without a notification of its name', async () => {
    const files = buildRuleFiles(on);
    files.set('rules.yaml', 'rules:\n  mark_vip: { on: vip_reached, do: { set: { vip: true } } }\n');
    expect((await parseCatalog(files)).rules[0]).toMatchObject({ name: 'mark_vip', notify: [] });
  });
});
