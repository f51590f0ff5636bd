import { beforeAll, describe, expect, test } from 'vitest';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../src/simulate/cases/run-case.ts';
import { type Catalog, parseCatalog } from './support/catalog.ts';

/** Cases write events also as they are posted: in the envelope of Tidings, as CloudEvents, or as domain events. */

let data: Catalog;
beforeAll(async () => {
  data = await parseCatalog(
    new Map([
      [
        'events.yaml',
        'mapping: { user_id: { from: [data.userId, data.buyer] } }\nevents: { order.paid: { properties: { total: number } } }',
      ],
      ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
      ['rules.yaml', 'rules: { N: { on: order.paid, when: event.total > 10 && context.source == "shop" } }'],
    ]),
  );
});

const parse = (event: string) =>
  parseCases('cases.yaml', `cases:\n  - name: it\n    events:\n      - ${event}\n    expect: [{ N: send }]\n`, data);

const domain = (part: string) => `{ eventType: order.paid, data: { buyer: u_1, total: 12 }, ${part} }`;
const timed = 'metadata: { source: shop, timestamp: 2025-11-03T09:00Z }';

describe('an event of a case', () => {
  test.each([
    ['as a domain event', domain(timed)],
    [
      'as a CloudEvent',
      "{ specversion: '1.0', id: '1', source: shop, type: order.paid, time: 2025-11-03T09:00Z, data: { userId: u_1, total: 12 } }",
    ],
    [
      'as an event of Tidings',
      '{ event_type: order.paid, user_id: u_1, event_timestamp: 2025-11-03T09:00Z, properties: { total: 12 }, source: shop }',
    ],
    [
      'without a time, which happened when it arrived',
      domain('metadata: { source: shop }, arrives: 2025-11-03T09:00Z'),
    ],
  ])('%s is decided as a posted one', (_what, event) => {
    const [one] = parse(event);
    expect(one!.from).toBe(Date.parse('2025-11-03T09:00Z'));
    expect(runCase(compileCaseRules(data), one!, () => 0).failures).toEqual([]);
  });

  test('that arrives late is decided then', () => {
    const [one] = parse(domain(`${timed}, arrives: 2025-11-04T09:00Z`));
    expect(one!.events.map(({ at, event }) => [at, event.time])).toEqual([
      [Date.parse('2025-11-04T09:00Z'), Date.parse('2025-11-03T09:00Z')],
    ]);
  });

  test.each([
    ['no user', `{ eventType: order.paid, data: { total: 1 }, ${timed} }`, /data\.userId is missing/],
    ['no time', domain('metadata: { source: shop }'), /metadata\.timestamp is missing/],
    [
      'an unknown type',
      `{ eventType: order.payed, data: { userId: u_1 }, ${timed} }`,
      /no event is called "order.payed"/,
    ],
    ['another type of property', `{ eventType: order.paid, data: { userId: u, total: x }, ${timed} }`, /data\.total/],
    [
      'a version that is a number',
      '{ specversion: 1.0, id: a, source: shop, type: order.paid }',
      /specversion must be/,
    ],
  ])('with %s is a mistake at its place', (_what, event, message) => {
    expect(() => parse(event)).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ line: 4, message: expect.stringMatching(message) })],
      }),
    );
  });
});
