import { describe, expect, test } from 'vitest';
import { buildSampleEvent } from '../src/catalog/sample-event.ts';
import { type Catalog, loadExample, parseCatalog } from './support/catalog.ts';
import { listImmediateSends } from './support/sends.ts';

function catalog(rules: string, events = 'a: { properties: { n: integer } }'): Promise<Catalog> {
  return parseCatalog(
    new Map([
      ['events.yaml', `events:\n  ${events}\n  b: {}\n`],
      [
        'notifications.yaml',
        'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n  M: { category: SYSTEM, channels: [webhook, sms] }\n',
      ],
      ['templates/M/sms.en.txt', 'Hello'],
      ['rules.yaml', `rules:\n${rules}`],
    ]),
  );
}

describe('the sample event', () => {
  test.each([
    ['fintech', 'signup_completed', 'WELCOME_EMAIL'],
    ['booking', 'client_registered', 'CLIENT_WELCOME'],
    ['marketplace', 'order.created', 'ORDER_CONFIRMATION'],
  ])('with examples/%s sends', async (name, type, notification) => {
    const data = await parseCatalog(await loadExample(name));
    const sample = buildSampleEvent(data);
    expect(sample?.notification).toBe(notification);
    expect(sample?.event).toMatchObject({ event_type: type, user_traits: { email: 'maria@example.com' } });
    expect(listImmediateSends(data, sample?.event)).toContain(notification);
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
    const sample = buildSampleEvent(data);
    expect(listImmediateSends(data, sample?.event)).toEqual([sample?.notification]);
  });

  test('happens at the given time, and its dates lie after it', async () => {
    const data = await catalog('  N: { on: a }', 'a: { properties: { t: timestamp, d: date } }');
    const sample = buildSampleEvent(data, Date.parse('2026-02-27T08:30:15.678Z'));
    expect(sample?.event).toMatchObject({
      event_timestamp: '2026-02-27T08:30:15Z',
      properties: { t: '2026-03-02T08:30:15Z', d: '2026-03-02' },
    });
    expect(listImmediateSends(data, sample?.event)).toEqual(['N']);
  });

  test('is null without a suitable rule, or if a required value cannot be guessed', async () => {
    for (const rules of ['  N: { every: day 18:00, for: "true" }', '  N: { on: { notification: M, is: failed } }'])
      expect(buildSampleEvent(await catalog(rules))).toBeNull();
    const strict = 'a: { properties: { iban: { type: string, pattern: "^PT50" } }, required: [iban] }';
    expect(buildSampleEvent(await catalog('  N: { on: a }', strict))).toBeNull();
    expect(buildSampleEvent({ events: [], notifications: [], rules: [] })).toBeNull();
  });

  test('is the same from the catalog that the API returns', async () => {
    const data = await catalog('  N: { on: a }');
    const { events, notifications, rules } = data;
    const answered = JSON.parse(JSON.stringify({ events, notifications, rules })) as Parameters<
      typeof buildSampleEvent
    >[0];
    expect(buildSampleEvent(answered)).toEqual(buildSampleEvent(data));
  });
});
