import { expect, test } from 'vitest';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';

/** Problems of routes.yaml, each at its place. */

const FILES = [
  ['events.yaml', 'events: { mail: {} }'],
  ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }'],
  ['rules.yaml', 'rules: { MAIL: { on: mail } }'],
  ['templates/MAIL/email.en.subject.txt', 'Mail'],
  ['templates/MAIL/email.en.txt', 'Hello'],
] as const;

async function check(routes: string): Promise<string[]> {
  const { problems } = lintCatalog(await parseCatalogFiles(new Map([...FILES, ['routes.yaml', routes]])));
  return problems.map(
    ({ file, line, column, code, message, hint }) => `${file}:${line}:${column} ${code}: ${message} (${hint ?? ''})`,
  );
}

test('a route without a mistake has no problem, and the file may be empty', async () => {
  expect(await check('routes: { email: [{ account: main, weight: 3 }, { account: second }] }')).toEqual([]);
  expect(await check('routes: { email: { account: main } }')).toEqual([]);
  expect(await check('routes:\nprices: []')).toEqual([]);
});

test.each([
  ['routes: { mail: [{ account: a }] }', '"mail" is not a channel'],
  ['routes: { email: [] }', 'the route of email has no account'],
  ['routes: { email: [{ tier: 1 }] }', 'this entry of a route has no account'],
  ['routes: { email: [{ account: Main }] }', '"Main" is not the name of an account'],
  ['routes: { email: [{ account: a, weight: 0 }] }', '"weight" must be a whole number from 1 to 1000'],
  ['routes: { email: [{ account: a, weight: 1.5 }] }', '"weight" must be a whole number from 1 to 1000'],
  ['routes: { email: [{ account: a, tier: 11 }] }', '"tier" must be a whole number from 1 to 10'],
  ['routes: { email: [{ account: a }, { account: a }] }', 'the account a is in tier 1 twice'],
  ['routes: { email: [{ account: a, wen: x }] }', 'unknown key "wen" in an entry of a route (did you mean when?)'],
  ['routes: { email: [{ account: a, when: user.plan == "pro" }, { account: b }] }', 'user is not known here'],
  [
    'routes: { email: [{ account: a, when: message.calling == "1" }, { account: b }] }',
    'message has no field "calling"',
  ],
  [
    'routes: { email: [{ account: a, when: message.type }, { account: b }] }',
    'message.type is text, but must be true or false',
  ],
  ['prices: { twilio: 1 }', '"prices" must be a list'],
  [
    'prices: [{ provider: twilio, channel: sms, from: 2026-02-30, amount: 1, currency: EUR }]',
    'not a day of the calendar',
  ],
  [
    'prices: [{ provider: twilio, channel: sms, from: 2026-01-01, amount: -1, currency: EUR }]',
    '"amount" must be a number',
  ],
  [
    'prices: [{ provider: twilio, channel: sms, from: 2026-01-01, amount: 1, currency: euro }]',
    'a currency of ISO 4217',
  ],
  [
    'prices: [{ provider: twillio, channel: sms, from: 2026-01-01, amount: 1, currency: EUR }]',
    '"twillio" is not a provider (did you mean twilio?)',
  ],
  [
    'prices: [{ provider: twilio, channel: email, from: 2026-01-01, amount: 1, currency: EUR }]',
    'twilio sends nothing by email (use sms)',
  ],
  ['prices: [{ provider: twilio, channel: sms, amount: 1, currency: EUR }]', 'this price has no "from"'],
  [
    'prices: [{ provider: twilio, channel: sms, calling_code: +351, from: 2026-01-01, amount: 1, currency: EUR }]',
    'a calling code without +',
  ],
])('%s is rejected', async (routes, expected) => {
  const problems = await check(routes);
  expect(problems.join('\n')).toContain(expected);
  expect(problems[0]).toMatch(/^routes\.yaml:1:\d+ invalid/);
});

test.each([
  ['routes: { sms: [{ account: a }] }', 'routes.yaml:1:16 unused_route: no notification type is sent by sms'],
  [
    'routes: { email: [{ account: a, when: message.domain == "x.com" }] }',
    'routes.yaml:1:18 route_gap: a message for which none of these conditions holds has no account',
  ],
  [
    'routes: { email: [{ account: a }, { account: a, tier: 2 }] }',
    'routes.yaml:1:35 unreachable_entry: a is in tier 1 for every message already',
  ],
  [
    'routes: { email: [{ account: a, weight: 5 }, { account: b, tier: 2 }] }',
    'useless_weight: "weight" has no effect: a shares its messages with no other account of tier 1',
  ],
])('%s is a warning', async (routes, expected) => {
  expect((await check(routes)).join('\n')).toContain(expected);
});
