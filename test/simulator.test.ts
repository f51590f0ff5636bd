import { describe, expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import { BASE, DAY, HOUR, plainRule, rulesOf } from './support/random-catalog.ts';
import { simulatorOf } from './support/simulation.ts';

const HALVES = [
  { name: 'control', share: 50, notify: [] },
  { name: 'N1', share: 30, notify: ['N1'] },
  { name: 'N2', share: 20, notify: ['N2'] },
];

test('a split has its shares, and each user stays in one variant', () => {
  const rule = plainRule({ name: 'R', on: ['a'], split: HALVES });
  const simulator = simulatorOf([rule]);
  const variants = new Map<string, string>();
  const counts = new Map<string, number>();
  for (let user = 0; user < 4000; user++) {
    const [step] = simulator.ingest([eventOf('a', BASE, `u ${user}`)], BASE);
    const variant = step?.decisions[0]?.evidence.split?.variant as string;
    variants.set(`u ${user}`, variant);
    counts.set(variant, (counts.get(variant) ?? 0) + 1);
    expect(step?.sends.map(({ decision }) => decision.notification_type)).toEqual(
      variant === 'control' ? [] : [variant],
    );
  }
  // A deviation of six standard deviations is not by chance.
  for (const { name, share } of HALVES) {
    const wanted = (4000 * share) / 100;
    expect(Math.abs((counts.get(name) ?? 0) - wanted)).toBeLessThan(6 * Math.sqrt(wanted * (1 - share / 100)));
  }
  const later = simulatorOf([{ ...rule, limits: [] }]);
  for (let user = 0; user < 200; user++) {
    const [step] = later.ingest([eventOf('a', BASE + DAY, `u ${user}`, { n: 7 })], BASE + DAY);
    expect(step?.decisions[0]?.evidence.split?.variant).toBe(variants.get(`u ${user}`));
  }
});

test('a branch without notifications is reported as done, with what it does', () => {
  const choose = [{ when: 'event.n < 10', notify: [] }, { notify: ['M'] }];
  const simulator = simulatorOf([
    plainRule({ name: 'N', on: ['a'], choose, actions: [{ kind: 'emit', event: 'vip', properties: {} }], limits: [] }),
  ]);
  const events = [1, 50].map((n) => eventOf('a', BASE, `u ${n}`, { n }));
  const reasons = simulator.ingest(events, BASE).flatMap(({ decisions }) => decisions.map(({ reason }) => reason));
  expect(reasons).toEqual(['Actions performed: a always triggers it.', 'To be sent: a always triggers it.']);
});

test('the splits of two rules are independent', () => {
  const [one, other] = ['R', 'S'].map((name) => simulatorOf([plainRule({ name, on: ['a'], split: HALVES })]));
  const variantsIn = (simulator: ReturnType<typeof simulatorOf> | undefined) =>
    Array.from({ length: 100 }, (_, user) => {
      const [step] = simulator?.ingest([eventOf('a', BASE, `u ${user}`)], BASE) ?? [];
      return step?.decisions[0]?.evidence.split?.variant;
    });
  expect(variantsIn(one)).not.toEqual(variantsIn(other));
});

test('overdue waits fire in order after a downtime, without sending what has expired', () => {
  const simulator = simulatorOf([
    plainRule({ name: 'R', on: ['a'], delay: { span: HOUR, text: '1h' }, expires: 2 * HOUR }),
    plainRule({ name: 'S', on: ['a'], delay: { span: 2 * HOUR, text: '2h' } }),
  ]);
  simulator.ingest([eventOf('a', BASE), eventOf('a', BASE + 2 * HOUR, 'u 2')], BASE);
  // Nothing fires until four hours after the start.
  simulator.ingest([], BASE + 4 * HOUR);
  expect(simulator.advance(BASE + 4 * HOUR).map(summarize)).toEqual([
    'u 1 R expired at 4h',
    'u 1 S matched at 4h',
    'u 2 R matched at 4h',
    'u 2 S matched at 4h',
  ]);
});

test('the latest of the missed occurrences runs, once', () => {
  const simulator = simulatorOf([
    plainRule({ name: 'R', on: [], every: { text: 'hour', cron: '0 * * * *' }, audience: 'true', limits: [] }),
  ]);
  simulator.addUser('u 1', {}, BASE + 1);
  simulator.ingest([], BASE + 5 * HOUR + 1);
  expect(simulator.advance(BASE + 6 * HOUR).map(summarize)).toEqual(['u 1 R matched at 5.0h', 'u 1 R matched at 6h']);
});

test('a wait fires by the catalog it started with', () => {
  const rule = (notify: string) =>
    plainRule({ name: 'R', on: ['a'], delay: { span: HOUR, text: '1h' }, notify: [notify] });
  const versions = ['N1', 'N2'].map((notify, index) => rulesOf([rule(notify)], index + 1));
  const sets = { active: versions[0]!, at: (version: number) => versions[version - 1]! };
  const simulator = simulatorOf(sets);
  simulator.ingest([eventOf('a', BASE)], BASE);
  sets.active = versions[1]!;
  simulator.ingest([eventOf('a', BASE + 1)], BASE + 1);
  const ended = simulator.advance(BASE + DAY);
  expect(ended.map((one) => [one.catalogVersion, one.sends.map(({ decision }) => decision.notification_type)])).toEqual(
    [
      [1, ['N1']],
      [2, ['N2']],
    ],
  );
});

test('the same events have the same IDs', () => {
  const run = () => {
    const simulator = simulatorOf([plainRule({ name: 'R', on: ['a'], delay: { span: HOUR, text: '1h' } })]);
    return [...simulator.ingest([eventOf('a', BASE)], BASE), ...simulator.advance(BASE + DAY)];
  };
  expect(run()).toEqual(run());
});

test('an event that is known already does nothing, and the clock never goes back', () => {
  const simulator = simulatorOf([plainRule({ name: 'R', on: ['a'] })]);
  expect(simulator.ingest([eventOf('a', BASE), eventOf('a', BASE)], BASE)).toHaveLength(1);
  expect(simulator.ingest([eventOf('a', BASE)], BASE)).toEqual([]);
  expect(simulator.ingest([eventOf('a', BASE + 1)], BASE - DAY)[0]?.at).toBe(BASE);
  expect(simulator.nextDue()).toBeNull();
});

describe('the evidence of a decision', () => {
  const steps = [
    { event: 'a', within: HOUR, withinText: '1h' },
    { event: 'b', within: 600_000, withinText: '10m' },
  ];
  const three = [eventOf('a', BASE), eventOf('b', BASE + HOUR), eventOf('c', BASE + HOUR + 600_000)];
  const pattern = {
    after: 'a, then b',
    within: '1h, then 10m',
    from: '2025-10-26T00:00:00.000Z',
    to: '2025-10-26T01:10:00.000Z',
    steps: [
      { event: 'a', event_id: three[0]!.eventId, at: '2025-10-26T00:00:00.000Z' },
      { event: 'b', event_id: three[1]!.eventId, at: '2025-10-26T01:00:00.000Z' },
    ],
  };
  const window = { kind: 'rolling', span: 2 * HOUR, text: '2h' } as const;
  const count = { of: ['a', 'b'], how: 'at_least', n: 2, window } as const;
  const counted = { of: ['a', 'b'], needed: 'at least 2', window: 'the 2h up to 2025-10-26T01:10:00.000Z', counted: 2 };
  const vip = { ...three[2]!, traits: { vip: true } };
  const change = { trait: 'vip', from: null, to: true };
  const [first, , last] = three.map(({ eventId }) => eventId);

  test.each([
    ['steps', plainRule({ name: 'R', on: ['c'], after: steps }), three, { pattern }, [last, first, three[1]!.eventId]],
    ['a count', plainRule({ name: 'R', on: ['c'], count }), three, { count: counted }, [last]],
    ['a change', plainRule({ name: 'R', on: [], changes: [{ trait: 'vip' }] }), [vip], { change }, [last]],
    ['nothing', plainRule({ name: 'R', on: ['c'] }), three, {}, [last]],
  ])('names %s, also when the rule waited', (_name, rule, events, evidence, eventIds) => {
    const simulator = simulatorOf([rule]);
    const at = events.at(-1)!.time;
    const [decision] = simulator.ingest(events, at).flatMap(({ decisions }) => decisions);
    expect(decision).toMatchObject({ reason_code: 'matched', event_ids: eventIds });
    expect(decision?.evidence).toEqual(evidence);
    expect(simulator.ingest([eventOf('d', at)], at).flatMap(({ decisions }) => decisions)).toEqual([]);

    const waiting = simulatorOf([{ ...rule, delay: { span: HOUR, text: '1h' } }]);
    waiting.ingest(events, at);
    const [end] = waiting.advance(at + HOUR).flatMap(({ decisions }) => decisions);
    expect(end).toMatchObject({ reason_code: 'matched', event_ids: eventIds });
    const due_at = new Date(at + HOUR).toISOString();
    const wait = { kind: 'delay', wait_id: expect.any(String), since: new Date(at).toISOString(), due_at };
    expect(end?.evidence).toEqual({ ...evidence, wait });
  });
});

function summarize({ userId, at, decisions }: ReturnType<ReturnType<typeof simulatorOf>['advance']>[number]): string {
  const [decision] = decisions;
  const hours = (at - BASE) / HOUR;
  return `${userId} ${decision?.rule} ${decision?.reason_code} at ${Number.isInteger(hours) ? hours : hours.toFixed(1)}h`;
}

function eventOf(type: string, time: number, userId = 'u 1', properties = {}) {
  const eventId = `${userId} ${type} ${time}`;
  return { tenantId: '', userId, eventId, key: contentUuid(eventId), type, time, properties, traits: {} };
}
