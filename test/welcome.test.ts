import { describe, expect, test } from 'vitest';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { buildSampleEvent, type ShownCatalog } from '../src/catalog/sample-event.ts';
import { compileSchemas } from '../src/catalog/schemas/validate-event.ts';
import { formatDelivery, formatStartupBanner } from '../src/cli/output/startup-banner.ts';
import { isRejection, parseEvent } from '../src/events/envelope.ts';
import type { CatalogData } from '../src/model/catalog.ts';
import { compileCaseRules } from '../src/simulate/cases/run-case.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { runSimulation } from '../src/simulate/run-simulation.ts';
import { Simulator } from '../src/simulate/simulator.ts';

/** The startup banner: a sample event for the catalog, and which channels leave the machine. */

async function catalog(rules: string, events = 'a: { properties: { n: integer } }'): Promise<CatalogData> {
  const { data, problems } = await lintCatalog(
    await parseCatalogFiles(
      new Map([
        ['events.yaml', `events:\n  ${events}\n  b: {}\n`],
        [
          'notifications.yaml',
          'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n  M: { category: SYSTEM, channels: [webhook, sms] }\n',
        ],
        ['templates/M/sms.en.txt', 'Hello'],
        ['rules.yaml', `rules:\n${rules}`],
      ]),
    ),
  );
  if (!data) throw new Error(JSON.stringify(problems));
  return data;
}

/** The notification types that the event sends immediately. */
function sentFor(data: CatalogData, item: unknown): string[] {
  const event = parseEvent('', item, compileSchemas(data));
  if (isRejection(event)) throw new Error(event.message);
  const [first] = runSimulation(
    new Simulator(compileCaseRules(data), countingIds()),
    [{ at: event.time, event }],
    event.time,
  );
  return (first?.happened ?? []).flatMap(({ sends }) => sends.map(({ decision }) => decision.notification_type));
}

describe('the sample event', () => {
  test.each([
    ['fintech', 'signup_completed', 'WELCOME_EMAIL'],
    ['booking', 'client_registered', 'CLIENT_WELCOME'],
    ['marketplace', 'order.created', 'ORDER_CONFIRMATION'],
  ])('with examples/%s sends', async (name, type, notification) => {
    const { data } = await lintCatalog(
      await parseCatalogFiles(await loadCatalogFiles(new URL(`../examples/${name}`, import.meta.url).pathname)),
    );
    const trial = buildSampleEvent(data as CatalogData);
    expect(trial?.notification).toBe(notification);
    expect(trial?.event).toMatchObject({ event_type: type, user_traits: { email: 'maria@example.com' } });
    expect(sentFor(data as CatalogData, trial?.event)).toContain(notification);
  });

  test.each([
    [
      'values that fulfill a condition',
      '  N: { on: a, when: "event.n >= 3 && user.vip" }',
      'a: { properties: { n: integer } }',
    ],
    [
      'the first value of a list',
      '  N: { on: a, when: \'event.plan in ["pro", "team"]\' }',
      'a: { properties: { plan: string } }',
    ],
    [
      'required values of every type',
      '  N: { on: a }',
      'a: { properties: { t: timestamp, d: date, l: { type: array, items: string }, e: { enum: [x, y] }, n: { type: number, minimum: 50 } }, required: [t, d, l, e, n] }',
    ],
    ['a rule that sends immediately, before others', '  M: { on: b, delay: 1h }\n  N: { on: a }', 'a: {}'],
    ['a telephone number for a text message', '  M: { on: b }', 'a: {}'],
  ])('has %s', async (_what, rules, events) => {
    const data = await catalog(rules, events);
    const trial = buildSampleEvent(data);
    expect(sentFor(data, trial?.event)).toEqual([trial?.notification]);
  });

  test('happens at the given time, and its dates lie after it', async () => {
    const data = await catalog('  N: { on: a }', 'a: { properties: { t: timestamp, d: date } }');
    const trial = buildSampleEvent(data, Date.parse('2026-02-27T08:30:15.678Z'));
    expect(trial?.event).toMatchObject({
      event_timestamp: '2026-02-27T08:30:15Z',
      properties: { t: '2026-03-02T08:30:15Z', d: '2026-03-02' },
    });
    expect(sentFor(data, trial?.event)).toEqual(['N']);
  });

  test('is null without a suitable rule, or if a required value cannot be guessed', async () => {
    for (const rules of ['  N: { every: day 18:00, for: "true" }', '  N: { on: { notification: M, is: failed } }'])
      expect(buildSampleEvent(await catalog(rules))).toBeNull();
    const strict = 'a: { properties: { iban: { type: string, pattern: "^PT50" } }, required: [iban] }';
    expect(buildSampleEvent(await catalog('  N: { on: a }', strict))).toBeNull();
    expect(buildSampleEvent({ events: [], notifications: [], rules: [] })).toBeNull();
  });
});

describe('the startup banner', () => {
  const running = {
    url: 'http://localhost:8000',
    database: 'embedded',
    catalog: { version: 3 },
    stop: async () => {},
  } as const;
  const config = { apiKeys: [] as string[], dataDir: '/data', providers: { internal: 'log' } } as const;
  const both = { api: true, workers: true };
  const trial = { event: { user_id: 'u_1', event_type: "it's" }, notification: 'HELLO' };

  test('has a command to copy, and one that explains the result', () => {
    const text = formatStartupBanner(both, running, config, trial);
    expect(text).toContain(`curl -X POST http://localhost:8000/api/v1/events -H 'content-type: application/json' \\\n`);
    expect(text).toContain(`-d '{"user_id":"u_1","event_type":"it'\\''s"}'\n`);
    expect(text).toContain('curl http://localhost:8000/api/v1/explain/u_1/HELLO\n');
    expect(formatStartupBanner(both, running, { ...config, apiKeys: ['a key of 16 characters'] }, trial)).toMatch(
      /(curl [^\n]*-H 'authorization: Bearer KEY'.*){2}/s,
    );
  });

  test('has no commands without a sample event or without the API', () => {
    expect(formatStartupBanner(both, running, config, null)).not.toMatch(/Try|curl/);
    expect(formatStartupBanner({ api: false, workers: true }, { ...running, url: null }, config, null)).not.toMatch(
      /Try|Console/,
    );
  });

  test('says nothing about delivery without the workers', () => {
    expect(formatStartupBanner(both, running, config, null)).toContain('Delivery  Nothing leaves this machine: ');
    expect(formatStartupBanner({ api: true, workers: false }, running, config, null)).not.toContain('Delivery');
  });

  test.each([
    [
      { internal: 'log' },
      'Nothing leaves this machine: email, SMS, push, in-app and webhook stay in the sandbox; internal goes to the log.',
    ],
    [
      { internal: 'log', email: 'smtp' },
      'Email is sent by SMTP; SMS, push, in-app and webhook stay in the sandbox; internal goes to the log.',
    ],
    [
      { internal: 'noop', email: 'noop', sms: 'log', push: 'log' },
      'Nothing leaves this machine: in-app and webhook stay in the sandbox; SMS and push go to the log; email and internal are discarded.',
    ],
  ] as const)('%o', (providers, sentence) => {
    expect(formatDelivery(providers)).toBe(sentence);
  });

  test('is the same from the catalog that the API returns', async () => {
    const data = await catalog('  N: { on: a }');
    const { events, notifications, rules } = data;
    const answered = JSON.parse(JSON.stringify({ events, notifications, rules })) as ShownCatalog;
    expect(buildSampleEvent(answered)).toEqual(buildSampleEvent(data));
  });
});
