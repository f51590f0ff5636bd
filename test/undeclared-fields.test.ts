import { describe, expect, it } from 'vitest';
import { lintFiles } from './support/catalog.ts';

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

  /** Returns the findings in the template of A when these rules send it. */
  async function formatTemplateFindings(
    rules: string,
    template: string,
    more: { events?: string; file?: string } = {},
  ) {
    const { events = DECLARED, file = 'internal.en.txt' } = more;
    const { problems } = await lintFiles(
      new Map([
        ['events.yaml', events],
        ['notifications.yaml', 'notifications: { A: { category: SYSTEM, channels: [internal, webhook, in_app] } }\n'],
        ['rules.yaml', `rules:\n  ${rules}\n`],
        ['templates/A/in_app.en.txt', 'x'],
        [`templates/A/${file}`, template],
      ]),
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
      '1:19 event has no field "error": it has notification_type, notification_id, channel, reason, reason_code',
    ],
    [
      'on the channel to which it is sent',
      'A: { on: paid, channels: [in_app] }\n  B: { on: failed, notify: A, channels: [internal] }',
      '{{event.currency}}',
      '1:3 event has no field "currency": it has amount, reason',
    ],
  ];
  it.each(reported)('reports a field %s', async (_name, rules, template, ...expected) => {
    expect(await formatTemplateFindings(rules, template)).toEqual(expected);
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
    expect(await formatTemplateFindings(rules, template)).toEqual([]);
  });

  it('accepts any trait if the catalog declares no traits', async () => {
    expect(
      await formatTemplateFindings('A: { on: a }', '{{user.x}}{{traits.x}}{{event.x}}', {
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
    const { problems } = await lintFiles(source);
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
