import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../src/catalog/lint/findings.ts';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { parseLimit } from '../src/catalog/parse/rules/limit-expression.ts';
import { CatalogError } from '../src/errors.ts';
import type { Limit } from '../src/model/catalog.ts';
import { evaluateLimit } from '../src/rules/limits.ts';
import { runs } from './support/properties.ts';

const EVENTS = `traits: { plan: string, vip: boolean, score: number }
events:
  a: { properties: { id: string, n: number } }
  b: { properties: { id: string, n: number } }
`;

/** A catalog of these rules (or groups and rules), with the notifications A and B. */
function source(rules: string): Map<string, string> {
  return new Map([
    ['events.yaml', EVENTS],
    [
      'notifications.yaml',
      'notifications:\n  A: { category: SYSTEM, channels: [internal] }\n  B: { category: SYSTEM, channels: [internal] }\n',
    ],
    ['rules.yaml', /^(rules|groups):/.test(rules) ? rules : `rules:\n${rules}`],
  ]);
}

/** The findings in rules.yaml; unused events and notifications only if `unused` is true. */
async function said(rules: string, unused = false): Promise<string[]> {
  const { data, problems } = await lintCatalog(await parseCatalogFiles(source(rules)));
  expect(data === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
  return problems
    .filter(({ code }) => unused || !/^unused_(event|notification)$/.test(code))
    .map(({ line, column, code, message, hint }) => `${line}:${column} ${code}: ${message}${hint ? ` (${hint})` : ''}`);
}

describe('reports what is valid but probably not meant', () => {
  const rows: [string, string, ...string[]][] = [
    ['nothing', '  A: { on: a }\n'],
    // Branches
    [
      'a branch after one that always is taken',
      '  X:\n    on: a\n    choose:\n      - { when: 1 < 2, notify: A }\n      - { when: user.vip, notify: B }\n      - { notify: none }\n',
      '6:9 unreachable_branch: branch 2 is never taken: branch 1 always is',
      '7:9 unreachable_branch: branch 3 is never taken: branch 1 always is',
    ],
    [
      'a branch with the condition of an earlier one',
      '  X:\n    on: a\n    choose:\n      - { when: event.id == "x  y", notify: A }\n      - { when: event.id == "x y", notify: A }\n      - { when: \'event.id  ==  "x y"\', notify: B }\n',
      '7:17 unreachable_branch: branch 3 is never taken: branch 2 has the same condition',
    ],
    [
      'a branch that is never taken',
      '  X: { on: a, choose: [{ when: 1 > 2, notify: A }, { notify: B }] }\n',
      '2:32 unreachable_branch: branch 1 is never taken: this is never true',
    ],
    [
      'a branch with the condition of the rule',
      '  X: { on: a, when: user.vip, choose: [{ when: user.vip, notify: A }, { notify: B }] }\n',
      '2:71 unreachable_branch: branch 2 is never taken: branch 1 always is, because it has the condition of the rule',
    ],
    [
      'a condition that was true before the wait and is not evaluated again',
      '  X: { on: a, when: user.vip, delay: 1h, recheck: false, choose: [{ when: user.vip, notify: A }, { notify: B }] }\n',
    ],
    ['a share of 0%', '  X: { on: a, split: { A: 100%, B: 0% } }\n', '2:36 unreachable_branch: no user falls into B'],
    [
      'a condition that is never true',
      '  A: { on: a, when: 1 / 0 == 1 }\n',
      '2:21 never_true: this is never true: the rule never acts (remove the rule)',
    ],
    [
      'counts that the trigger decides',
      '  A: { on: a, count: { at_least: 1, within: 1h } }\n  B: { on: a, count: { exactly: 0, of: [a, b], within: 1h } }\n',
      '2:34 count_always: the trigger itself counts: this always holds (at_least: 2)',
      '3:33 count_never: the trigger itself counts: this never holds (exactly: 1)',
    ],
    [
      'counts that the trigger does not decide',
      '  A: { on: a, count: { at_least: 1, since: b } }\n  B: { on: [a, b], count: { exactly: 0, of: a, within: 1h } }\n',
    ],
    // Limits
    [
      'limits that never bind',
      '  A: { on: a, limit: [once, 3 per day] }\n  B: { on: a, limit: [2 per 24h, 1 per day, 3 ever], throttle: 30h }\n',
      '2:29 limit_never_binds: "3 per day" never binds: "once" is stricter',
      '3:23 limit_never_binds: "2 per 24h" never binds: "1 per day" is stricter',
      '3:34 limit_never_binds: "1 per day" never binds: "1 per 30h" is stricter',
    ],
    [
      'limits that bind',
      '  A: { on: a, limit: [1 per day, 2 per 25h, 5 per 7d, 1 per day in Europe/Lisbon] }\n  B: { on: a, key: event.id, limit: [once, 1 per day per person] }\n',
    ],
    [
      'a limit of all keys',
      '  A: { on: a, key: event.id, limit: [once, once per person] }\n',
      '2:38 limit_never_binds: "once" never binds: "once per person" is stricter',
    ],
    [
      'limits of a group',
      'groups:\n  g: { limit: [1 per day, 2 per 7d] }\n  h: { limit: 2 ever }\nrules:\n  A: { on: a, group: g, limit: 1 per day }\n  B: { on: a, group: h, limit: once }\n  X: { on: b, group: h, limit: once, notify: A }\n',
      '3:15 limit_never_binds: "2 ever" never binds: the limits of B and X are stricter',
      '5:32 limit_never_binds: "1 per day" never binds: "1 per day" of the group is stricter',
    ],
    [
      'a throttle',
      '  A: { on: a, limit: once, throttle: 1h }\n',
      '2:38 limit_never_binds: "1 per 1h" never binds: "once" is stricter',
    ],
    // Waits
    [
      'waits without an end',
      '  A: { on: [a, b], debounce: 1h }\n  B: { on: a, delay: 1h, again: restart }\n  X: { on: a, at: 09:00, again: restart, notify: A }\n',
      '2:30 endless_wait: a steady stream of a and b keeps this wait from ending (debounce: { quiet: 1h, at_most: 24h })',
      '3:33 endless_wait: a steady stream of a keeps this wait from ending (use debounce: { quiet: 1h, at_most: 24h }, which has an end)',
    ],
    [
      'an expiry shorter than the delay',
      '  A: { on: a, delay: 3d, expires: 1d }\n',
      '2:35 late_expiry: "expires" is shorter than the delay of 3d: it counts from the end of the delay (an event that arrives in time is sent after the delay anyway)',
    ],
    [
      'its own trigger',
      '  A: { on: a, after: [{ event: b, within: 1h }, { event: a, within: 1h }] }\n  B: { on: [a, b], unless: { event: b, within: 7d } }\n  X: { on: a, key: event.id, unless: { event: a, within: 7d }, notify: A }\n',
      '2:58 own_trigger: a is the trigger too: this needs two of them (write count: { at_least: 2, … } instead)',
      '3:37 own_trigger: b is the trigger too: this waits until no other follows (write debounce: { quiet: 7d } instead)',
    ],
    [
      'cancelled by its own trigger',
      '  A: { on: [a, b], delay: 1h, cancel_on: [b] }\n',
      '2:43 cancels_itself: b triggers the rule and ends its wait (to restart the wait, write again: restart)',
    ],
    [
      'nothing to cancel',
      '  A: { on: a }\n  B: { on: b, do: { cancel: A } }\n',
      '3:15 nothing_to_cancel: A never waits: it has nothing to cancel',
    ],
    // Loops
    [
      'a rule that emits its own trigger',
      '  A: { on: a, do: { emit: a } }\n',
      '2:15 loop: A triggers itself: it emits a (nothing ends this: add a limit, as in limit: 1 per day)',
    ],
    [
      'through others',
      '  A:\n    on: a\n    do: { emit: b }\n  B: { on: b, do: { set: { score: event.n } } }\n  X: { on: { trait: score }, notify: none, do: [{ cancel: A }, { emit: a }] }\n',
      '4:5 loop: A triggers itself: it emits b, which triggers B; B sets score, which triggers X; X emits a (nothing ends this: add a limit, as in limit: 1 per day)',
      '6:48 nothing_to_cancel: A never waits: it has nothing to cancel',
    ],
    [
      'with a limit',
      'groups:\n  g: { limit: 1 per day }\nrules:\n  A: { on: a, do: { emit: b } }\n  B: { on: b, group: g, do: { emit: a } }\n',
      '4:15 bounded_loop: A triggers itself: it emits b, which triggers B; B emits a (only the limit of B ends this: 1 per day)',
    ],
    [
      'by the outcome of its own notification',
      '  A: { on: { notification: B, is: failed } }\n  B: { on: { notification: [A, B], is: opened }, limit: once }\n',
      '2:3 bounded_loop: A triggers itself: it sends A, which causes notification.opened, which triggers B; B sends B, which causes notification.failed (only the limit of B ends this: once)',
      '3:3 bounded_loop: B triggers itself: it sends B, which causes notification.opened (only the limit of B ends this: once)',
      '3:8 posted_only: notification.opened arrives only if one of your services posts it (see docs/rules.md for what to post)',
    ],
    [
      'of all notifications',
      '  A: { on: notification.failed }\n',
      '2:3 loop: A triggers itself: it sends A, which causes notification.failed (nothing ends this: add a limit, as in limit: 1 per day)',
    ],
    [
      'a trait that is set to something else, or always to the same',
      '  A: { on: { trait: plan, to: pro }, do: { set: { plan: \'"free"\' } } }\n  B: { on: { trait: plan, to: basic }, do: { set: { plan: \'"basic2"\' } } }\n  X: { on: { trait: vip }, notify: none, do: { set: { vip: true } } }\n',
    ],
    // Events that only a caller posts
    [
      'outcomes of a notification that Tidings does not emit itself',
      '  A: { on: { notification: B, is: clicked } }\n  B: { on: a, unless: { event: [b, notification.opened], within: 7d }, cancel_on: notification.bounced }\n',
      '2:8 posted_only: notification.clicked arrives only if one of your services posts it (see docs/rules.md for what to post)',
      '3:15 posted_only: notification.opened arrives only if one of your services posts it (see docs/rules.md for what to post)',
      '3:83 posted_only: notification.bounced arrives only if one of your services posts it (see docs/rules.md for what to post)',
    ],
    [
      'outcomes that Tidings emits itself, or one of which it does',
      '  A: { on: { notification: B, is: [failed, bounced] } }\n  B: { on: a, cancel_on: notification.delivered, delay: 1h }\n',
    ],
    // Unused definitions
    [
      'a group and a zone',
      'groups:\n  g: { limit: once }\nrules:\n  A: { on: a, zone: user, limit: 1 per day }\n  B: { on: b, zone: user, count: { at_least: 2, within: day } }\n',
      '2:3 unused_group: no rule is in the group g (group: g)',
      '4:21 unused_zone: nothing in this rule has a local time (a limit names its own zone: 1 per day in user zone)',
    ],
  ];

  it.each(rows)('%s', async (_name, rules, ...expected) => {
    expect(await said(rules)).toEqual(expected);
  });

  it('reports events and notifications that no rule uses', async () => {
    expect(await said('  X: { on: a, notify: A }\n', true)).toEqual([
      '4:3 unused_event: no rule uses b',
      '3:3 unused_notification: no rule sends B',
    ]);
    const files = source('  A: { on: notification.failed, notify: B, limit: once }\n');
    files.set('events.yaml', 'events: { notification.failed: {} }\n');
    expect((await lintCatalog(await parseCatalogFiles(files))).problems[0]).toMatchObject({
      code: 'reserved_event',
      line: 1,
      column: 11,
    });
  });

  it('an error is thrown and a warning is not; a file that cannot be parsed is an error', async () => {
    await expect(validateCatalogFiles(source('  A: { on: a, do: { emit: a } }\n'))).rejects.toThrow(
      'rules.yaml:2:15: A triggers itself: it emits a',
    );
    await expect(validateCatalogFiles(source('  A: { on: a, debounce: 1h }\n'))).resolves.toBeDefined();
    const { data, problems } = await lintCatalog(await parseCatalogFiles(source('  A: { on: [a, c] }\n')));
    expect(data).toBeUndefined();
    expect(problems).toMatchObject([{ severity: 'error', code: 'invalid', line: 2, column: 16 }]);
  });

  it('many rules in loops take little time', async () => {
    const rules = Array.from(
      { length: 1500 },
      (_, i) => `  R${i}: { on: [a, b], notify: none, do: [{ emit: a }, { emit: b }] }\n`,
    );
    const { problems } = await lintCatalog(await parseCatalogFiles(source(rules.join(''))));
    expect(problems.filter(({ code }) => code === 'loop')).toHaveLength(20);
  });

  it('the checks are the rows of docs/rules.md', async () => {
    const page = await readFile(join(import.meta.dirname, '../docs/rules.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| (error|warning) \|/gm)].map(([, code, severity]) => [
      code,
      severity,
    ]);
    expect(Object.fromEntries(rows)).toEqual({ ...CHECKS, invalid: 'error' });
  });
});

describe('a limit that never binds', () => {
  const HOUR = 3_600_000;
  const limit = fc
    .tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('ever', 'per day', 'per 12h', 'per 24h', 'per 25h', 'per 2d'),
    )
    .map(([max, period]) => `${max} ${period}`);

  it('is never the only limit that is reached', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(limit, { minLength: 2, maxLength: 3, selector: (text) => text.split(' ').slice(1).join(' ') }),
        fc.array(fc.integer({ min: 0, max: 5 * 24 }), { minLength: 1, maxLength: 40 }),
        async (texts, hours) => {
          const { problems } = await lintCatalog(
            await parseCatalogFiles(source(`  A: { on: a, limit: [${texts.join(', ')}] }\n`)),
          );
          const idle = new Set(
            problems.flatMap(({ code, message }) => (code === 'limit_never_binds' ? [message.split('"')[1]] : [])),
          );
          const limits = texts.map((text) => (parseLimit(text) as { limit: Limit }).limit);
          const uses = limits.map(
            (): { bucket: string; slot: number; at: number; eventId: string; notificationId: string }[] => [],
          );
          for (const hour of hours.sort((x, y) => x - y)) {
            const at = Date.parse('2025-10-20T00:00:00Z') + hour * HOUR;
            const states = limits.map((each, index) => evaluateLimit(each, uses[index]!, at, {}));
            const refusing = limits.filter((_, index) => states[index]!.reached).map(({ text }) => text);
            if (refusing.length > 0) expect(refusing.every((text) => idle.has(text))).toBe(false);
            else
              for (const [index, { bucket, slot }] of states.entries())
                uses[index]!.push({ bucket, slot, at, eventId: '', notificationId: '' });
          }
        },
      ),
      runs(100),
    );
  });
});

describe('a template field that no schema declares', () => {
  const DECLARED = `traits: { first_name: string, plan: string }
events:
  paid:
    properties:
      amount: number
      currency: string
      card: { type: object, properties: { brand: string } }
      items: { type: array, items: { type: object, properties: { name: string, price: number } } }
      tags: { type: array, items: string }
      free: object
  failed: { properties: { amount: number, reason: string } }
  cart.updated: { properties: { cart_id: string } }
  open: {}
  more: { schema: { properties: { a: string }, anyOf: [{ properties: { b: string } }], required: [c] } }
  loose: { schema: { properties: { a: string }, additionalProperties: true } }
`;

  /** The findings in the template of A, if these rules send it. */
  async function ofTemplate(rules: string, template: string, more: { events?: string; file?: string } = {}) {
    const { events = DECLARED, file = 'internal.en.txt' } = more;
    const { problems } = await lintCatalog(
      await parseCatalogFiles(
        new Map([
          ['events.yaml', events],
          ['notifications.yaml', 'notifications: { A: { category: SYSTEM, channels: [internal, webhook, in_app] } }\n'],
          ['rules.yaml', `rules:\n  ${rules}\n`],
          ['templates/A/in_app.en.txt', 'x'],
          [`templates/A/${file}`, template],
        ]),
      ),
    );
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    return problems
      .filter((problem) => problem.code === 'undeclared_field')
      .map(({ line, column, message, hint }) => `${line}:${column} ${message}${hint ? ` (${hint})` : ''}`);
  }

  const DIGEST = 'A: { on: [paid, failed], digest: { window: 1h } }';
  const reported: [string, string, string, ...string[]][] = [
    [
      'of the event, in output, conditions and arguments',
      'A: { on: failed }',
      'Hi\n{{#if event.amuont}}{{money event.amount event.curency}}{{/if}}{{#unless (gt event.amuont 1)}}x{{/unless}}',
      '2:7 event has no field "amuont": it has amount, reason (did you mean amount?)',
      '2:42 event has no field "curency": it has amount, reason',
      '2:78 event has no field "amuont": it has amount, reason (did you mean amount?)',
    ],
    [
      'of the user and of the traits',
      'A: { on: open }',
      '{{user.frist_name}}{{traits.paln}}',
      '1:3 user has no field "frist_name": it has first_name, plan, email, email_address, phone, phone_number, time_zone, locale (did you mean first_name?)',
      '1:22 traits has no field "paln": it has first_name, plan, email, email_address, phone, phone_number, time_zone, locale (did you mean plan?)',
    ],
    [
      'of every trigger',
      'A: { on: [paid, failed] }',
      '{{event.card}}{{event.reason}}{{event.currrency}}',
      '1:33 event has no field "currrency": it has amount, currency, card, items, tags, free, reason (did you mean currency?)',
    ],
    [
      'that another has',
      'A: { on: failed }',
      '{{event.first_name}}{{user.reason}}',
      '1:3 event has no field "first_name": it has amount, reason (did you mean user.first_name?)',
      '1:23 user has no field "reason": it has first_name, plan, email, email_address, phone, phone_number, time_zone, locale (did you mean event.reason?)',
    ],
    [
      'of a field',
      'A: { on: paid }',
      '{{event.card.barnd}}{{event.amount.value}}{{event.items.[0].nmae}}{{event.items.name}}{{event.tags.x}}{{event.currency.length}}',
      '1:3 event.card has no field "barnd": it has brand (did you mean brand?)',
      '1:23 event.amount is a number and has no field "value"',
      '1:45 event.items.0 has no field "nmae": it has name, price (did you mean name?)',
      '1:69 event.items is a list and has no field "name"',
      '1:89 event.tags is a list and has no field "x"',
    ],
    [
      'within blocks',
      'A: { on: paid }',
      '{{#with event}}{{amuont}}{{#each items}}{{this.nmae}}{{prise}}{{../currncy}}{{@key}}{{/each}}{{/with}}',
      '1:18 event has no field "amuont": it has amount, currency, card, items, tags, free (did you mean amount?)',
      '1:43 event.items[] has no field "nmae": it has name, price (did you mean name?)',
      '1:56 event.items[] has no field "prise": it has name, price (did you mean price?)',
      '1:65 event has no field "currncy": it has amount, currency, card, items, tags, free (did you mean currency?)',
    ],
    [
      'under a name of a block',
      'A: { on: paid }',
      '{{#each event.items as |item n|}}{{n}}{{item.nmae}}{{#with item as |one|}}{{one.prise}}{{/with}}{{/each}}',
      '1:41 event.items[] has no field "nmae": it has name, price (did you mean name?)',
      '1:77 event.items[] has no field "prise": it has name, price (did you mean price?)',
    ],
    [
      'of the data outside of a block',
      'A: { on: paid }',
      '{{#each event.items}}{{money price event.currency}}{{@root.user.frist_name}}{{/each}}',
      '1:36 event.items[] has no field "event": it has name, price (did you mean @root.event.currency?)',
      '1:54 user has no field "frist_name": it has first_name, plan, email, email_address, phone, phone_number, time_zone, locale (did you mean first_name?)',
    ],
    [
      'once, although a block iterates over it',
      'A: { on: paid }',
      '{{#each event.itmes}}{{name}}{{else}}{{event.x_y_z}}{{/each}}',
      '1:9 event has no field "itmes": it has amount, currency, card, items, tags, free (did you mean items?)',
      '1:40 event has no field "x_y_z": it has amount, currency, card, items, tags, free',
    ],
    [
      'of the items of a digest',
      DIGEST,
      '{{#each items}}{{event.reason}}{{event.curency}}{{user.plan}}{{time}}{{/each}}{{items.[0].at}}{{items.length}}{{total}}',
      '1:34 items[].event has no field "curency": it has amount, currency, card, items, tags, free, reason (did you mean currency?)',
      '1:51 items[] has no field "user": it has event, traits, event_type, event_id, at (did you mean @root.user.plan?)',
      '1:64 items[] has no field "time": it has event, traits, event_type, event_id, at',
    ],
    [
      'that come with another key of the rule',
      'A: { on: failed }',
      '{{total}}{{#each items}}{{event.x}}{{/each}}{{data.x}}{{matched.paid.amount}}',
      '1:3 there is no "total" where A is sent (it comes with "digest")',
      '1:18 there is no "items" where A is sent (it comes with "digest")',
      '1:47 there is no "data" where A is sent (it comes with "data" or "split")',
      '1:57 there is no "matched" where A is sent (it comes with "after")',
    ],
    [
      'of the values that the rule computes',
      'A: { on: failed, data: { fee: event.amount }, split: { control: 50%, other: 50% } }',
      '{{data.fe}}{{data.fee.x}}{{data.variant}}',
      '1:3 data has no field "fe": it has fee, variant (did you mean fee?)',
    ],
    [
      'of the events of its pattern',
      'A: { on: failed, after: [{ event: paid, within: 1h }, { event: cart.updated, within: 1h }] }',
      '{{matched.piad.amount}}{{matched.paid.amuont}}{{matched.cart.updated.cart_id}}{{matched.[cart.updated].cart_id}}',
      '1:3 matched has no field "piad": it has paid, cart.updated (did you mean paid?)',
      '1:26 matched.paid has no field "amuont": it has amount, currency, card, items, tags, free (did you mean amount?)',
      '1:49 matched has no field "cart": it has paid, cart.updated (write matched.[cart.updated])',
    ],
    [
      'of the pattern of a digest, which keeps its items alone',
      'A: { on: failed, after: { event: paid, within: 1h }, digest: { window: 1h } }',
      '{{matched.paid.amount}}',
      '1:3 there is no "matched" where A is sent (it comes with "after")',
    ],
    [
      'of a rule without an event',
      'A: { every: monday 09:00, for: true }',
      '{{event.amount}}{{traits.plan}}{{user.plan}}',
      '1:3 event has no field "amount" (a rule with "every" acts without an event)',
      '1:19 traits has no field "plan" (did you mean user.plan?)',
    ],
    [
      'of the notification',
      'A: { on: open }',
      '{{notification.name}}{{notification.event_type}}',
      '1:3 notification has no field "name": it has id, type, channel, user_id, event_type, event_timestamp',
    ],
    [
      'of the outcome of a notification',
      'A: { on: { notification: A, is: failed }, limit: once }',
      '{{event.reason}}{{event.error}}',
      '1:19 event has no field "error": it has notification_type, notification_id, channel, reason',
    ],
    [
      'on the channel to which it is sent',
      'A: { on: paid, channels: [in_app] }\n  B: { on: failed, notify: A, channels: [internal] }',
      '{{event.currency}}',
      '1:3 event has no field "currency": it has amount, reason',
    ],
  ];
  it.each(reported)('reports a field %s', async (_name, rules, template, ...expected) => {
    expect(await ofTemplate(rules, template)).toEqual(expected);
  });

  const accepted: [string, string, string][] = [
    ['an event without a schema', 'A: { on: open }', '{{event.x}}{{#each event.y}}{{z}}{{/each}}'],
    ['one of several without a schema', 'A: { on: [paid, open] }', '{{event.x}}'],
    ['a schema that is open', 'A: { on: loose }', '{{event.x}}'],
    ['a schema that names more elsewhere', 'A: { on: more }', '{{event.b}}{{event.c}}'],
    ['an object without properties', 'A: { on: paid }', '{{event.free.x.y}}{{#each event.free}}{{this.x}}{{/each}}'],
    ['any event that changes a trait', 'A: { on: [paid, { trait: plan }] }', '{{event.x}}'],
    [
      'a field that one rule of two provides',
      'A: { on: paid }\n  B: { on: failed, notify: A }',
      '{{event.reason}}{{event.card.brand}}',
    ],
    [
      'a value that one rule of two computes',
      'A: { on: paid }\n  B: { on: failed, notify: A, data: { x: event.amount } }',
      '{{data.x}}',
    ],
    [
      'a digest, and the same at once',
      `${DIGEST}\n  B: { on: paid, notify: A }`,
      '{{#if items}}{{total}}{{/if}}{{event.card}}',
    ],
    [
      'a digest that begins with its first',
      'A: { on: failed, after: { event: paid, within: 1h }, digest: { window: 1h, first: now } }',
      '{{matched.paid.amount}}',
    ],
    [
      'the built-in traits of a user',
      'A: { on: open }',
      '{{date event.at "HH:mm" zone=user.time_zone}}{{user.locale}}{{user.email}}{{traits.phone}}',
    ],
    [
      'the result of a helper',
      'A: { on: paid }',
      '{{#each (or event.items event.tags)}}{{x}}{{/each}}{{#with (lookup event event.currency)}}{{y}}{{/with}}',
    ],
    [
      'the event in a branch',
      'X: { on: paid, choose: [{ when: event.amount > 1, notify: A }, { notify: none }] }',
      '{{event.card.brand}}',
    ],
    [
      'a trait that a rule sets, and an event that it emits',
      'A: { on: failed, limit: once }\n  X: { on: paid, notify: none, do: [{ set: { plan: event.currency } }, { emit: failed, with: { reason: event.currency } }] }',
      '{{event.reason}}{{user.plan}}',
    ],
    [
      'a template that no rule sends',
      'X: { on: paid, notify: none, do: { set: { plan: event.currency } } }',
      '{{event.x}}',
    ],
  ];
  it.each(accepted)('accepts %s', async (_name, rules, template) => {
    expect(await ofTemplate(rules, template)).toEqual([]);
  });

  it('accepts any trait if the catalog declares no traits', async () => {
    expect(
      await ofTemplate('A: { on: a }', '{{user.x}}{{traits.x}}{{event.x}}', {
        events: 'events: { a: { properties: { n: number } } }',
      }),
    ).toEqual(['1:25 event has no field "x": it has n']);
  });

  it('reports each file at the place in the file', async () => {
    const source = new Map([
      ['events.yaml', DECLARED],
      ['notifications.yaml', 'notifications: { A: { category: SYSTEM, channels: [email] } }\n'],
      ['rules.yaml', 'rules: { A: { on: failed } }\n'],
      ['templates/A/email.en.subject.txt', '{{event.amuont}}'],
      ['templates/A/email.en.html', '<p>\n{{event.amount}}</p>'],
      ['templates/A/email.pt.subject.txt', '{{event.reason}}'],
      [
        'templates/A/email.pt.mjml',
        '<mjml><mj-body>\n<mj-section><mj-column>\n<mj-text>{{event.raeson}}</mj-text>\n</mj-column></mj-section></mj-body></mjml>',
      ],
    ]);
    const { problems } = await lintCatalog(await parseCatalogFiles(source));
    expect(problems.filter(({ code }) => code === 'undeclared_field')).toMatchObject([
      {
        file: 'templates/A/email.en.subject.txt',
        line: 1,
        column: 3,
        severity: 'warning',
        hint: 'did you mean amount?',
      },
      { file: 'templates/A/email.pt.mjml', line: 3, column: 12, hint: 'did you mean reason?' },
    ]);
  });
});

it('a CatalogError has the places', async () => {
  const error = await validateCatalogFiles(source('  A: { on: a, do: { emit: a } }\n')).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CatalogError);
  expect((error as CatalogError).problems).toMatchObject([{ file: 'rules.yaml', line: 2, code: 'loop' }]);
});
