import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRuleSet } from '../src/catalog/compile/compile-rule-set.ts';
import { contentUuid } from '../src/events/content.ts';
import { PriorityQueue } from '../src/lib/priority-queue.ts';
import type { Rule } from '../src/model/catalog.ts';
import type { Event, JsonObject, Millis } from '../src/model/event.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { type SimulationStep, Simulator } from '../src/simulate/simulator.ts';
import { only } from './support/memory.ts';
import { BASE, catalogOf, DAY, HOUR, plainRule } from './support/random-catalog.ts';

const HALVES = [
  { name: 'control', share: 50, notify: [] },
  { name: 'N1', share: 30, notify: ['N1'] },
  { name: 'N2', share: 20, notify: ['N2'] },
];

test('a split has its shares, and everybody stays where they are', () => {
  const rule = plainRule({ name: 'R', on: ['a'], split: HALVES });
  const world = worldOf(rule);
  const parts = new Map<string, string>();
  const counts = new Map<string, number>();
  for (let user = 0; user < 4000; user++) {
    const [happening] = world.ingest([eventOf('a', BASE, `u ${user}`)], BASE);
    const part = happening?.decisions[0]?.evidence.split?.variant as string;
    parts.set(`u ${user}`, part);
    counts.set(part, (counts.get(part) ?? 0) + 1);
    expect(happening?.sends.map(({ decision }) => decision.notification_type)).toEqual(
      part === 'control' ? [] : [part],
    );
  }
  // Six standard deviations off is not by chance.
  for (const { name, share } of HALVES) {
    const wanted = (4000 * share) / 100;
    expect(Math.abs((counts.get(name) ?? 0) - wanted)).toBeLessThan(6 * Math.sqrt(wanted * (1 - share / 100)));
  }
  const later = worldOf({ ...rule, limits: [] });
  for (let person = 0; person < 200; person++) {
    const [happening] = later.ingest([eventOf('a', BASE + DAY, `u ${person}`, { n: 7 })], BASE + DAY);
    expect(happening?.decisions[0]?.evidence.split?.variant).toBe(parts.get(`u ${person}`));
  }
});

test('a branch that tells nobody says so, and what it does', () => {
  const choose = [{ when: 'event.n < 10', notify: [] }, { notify: ['M'] }];
  const world = worldOf(
    plainRule({ name: 'N', on: ['a'], choose, actions: [{ kind: 'emit', event: 'vip', properties: {} }], limits: [] }),
  );
  const events = [1, 50].map((n) => eventOf('a', BASE, `u ${n}`, { n }));
  const reasons = world.ingest(events, BASE).flatMap(({ decisions }) => decisions.map(({ reason }) => reason));
  expect(reasons).toEqual(['Done: a always triggers it.', 'To be sent: a always triggers it.']);
});

test('the parts of another rule are others', () => {
  const [one, other] = ['R', 'S'].map((name) => worldOf(plainRule({ name, on: ['a'], split: HALVES })));
  const partsIn = (world: Simulator | undefined) =>
    Array.from({ length: 100 }, (_, user) => {
      const [happening] = world?.ingest([eventOf('a', BASE, `u ${user}`)], BASE) ?? [];
      return happening?.decisions[0]?.evidence.split?.variant;
    });
  expect(partsIn(one)).not.toEqual(partsIn(other));
});

test('after downtime what was due is caught up with in order, and what expired is not sent', () => {
  const world = worldOf(
    plainRule({ name: 'R', on: ['a'], delay: { span: HOUR, text: '1h' }, expires: 2 * HOUR }),
    plainRule({ name: 'S', on: ['a'], delay: { span: 2 * HOUR, text: '2h' } }),
  );
  world.ingest([eventOf('a', BASE), eventOf('a', BASE + 2 * HOUR, 'u 2')], BASE);
  // Nothing runs until four hours after the beginning.
  world.ingest([], BASE + 4 * HOUR);
  expect(world.advance(BASE + 4 * HOUR).map(told)).toEqual([
    'u 1 R expired at 4h',
    'u 1 S matched at 4h',
    'u 2 R matched at 4h',
    'u 2 S matched at 4h',
  ]);
});

test('of the turns that were missed the latest is taken, once', () => {
  const world = worldOf(
    plainRule({ name: 'R', on: [], every: { text: 'hour', cron: '0 * * * *' }, audience: 'true', limits: [] }),
  );
  world.addUser('u 1', {}, BASE + 1);
  world.ingest([], BASE + 5 * HOUR + 1);
  expect(world.advance(BASE + 6 * HOUR).map(told)).toEqual(['u 1 R matched at 5.0h', 'u 1 R matched at 6h']);
});

test('a wait ends by the catalog it began with', () => {
  const rule = (notify: string) =>
    plainRule({ name: 'R', on: ['a'], delay: { span: HOUR, text: '1h' }, notify: [notify] });
  const versions = ['N1', 'N2'].map((notify, index) => compileRuleSet(index + 1, catalogOf([rule(notify)])));
  const sets = { active: versions[0]!, at: (version: number) => versions[version - 1]! };
  const world = new Simulator(sets, countingIds());
  world.ingest([eventOf('a', BASE)], BASE);
  sets.active = versions[1]!;
  world.ingest([eventOf('a', BASE + 1)], BASE + 1);
  const ended = world.advance(BASE + DAY);
  expect(ended.map((one) => [one.catalogVersion, one.sends.map(({ decision }) => decision.notification_type)])).toEqual(
    [
      [1, ['N1']],
      [2, ['N2']],
    ],
  );
});

test('the same story has the same ids', () => {
  const play = () => {
    const world = worldOf(plainRule({ name: 'R', on: ['a'], delay: { span: HOUR, text: '1h' } }));
    return [...world.ingest([eventOf('a', BASE)], BASE), ...world.advance(BASE + DAY)];
  };
  expect(play()).toEqual(play());
});

test('an event that is known already does nothing, and neither does the past', () => {
  const world = worldOf(plainRule({ name: 'R', on: ['a'] }));
  expect(world.ingest([eventOf('a', BASE), eventOf('a', BASE)], BASE)).toHaveLength(1);
  expect(world.ingest([eventOf('a', BASE)], BASE)).toEqual([]);
  expect(world.ingest([eventOf('a', BASE + 1)], BASE - DAY)[0]?.at).toBe(BASE);
  expect(world.nextDue()).toBeNull();
});

test('of what is to come the earliest is first, of one time what was added first', () => {
  const step = fc.option(fc.integer({ min: 0, max: 5 }), { freq: 3 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const agenda = new PriorityQueue<number>();
      let left: { due: Millis; item: number }[] = [];
      for (const [item, due] of steps.entries()) {
        if (due === null) {
          agenda.removeFirst();
          left = left.slice(1);
        } else {
          agenda.add(due, item);
          left = [...left, { due, item }].sort((a, b) => a.due - b.due);
        }
        expect(agenda.first()?.item).toBe(left[0]?.item);
      }
    }),
  );
});

describe('what a decision saw', () => {
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
  ])('%s; and when it waited, the end of the wait knows it', (_name, rule, events, evidence, eventIds) => {
    const world = worldOf(rule);
    const at = events.at(-1)!.time;
    const [decision] = world.ingest(events, at).flatMap(({ decisions }) => decisions);
    expect(decision).toMatchObject({ reason_code: 'matched', event_ids: eventIds });
    expect(decision?.evidence).toEqual(evidence);
    expect(world.ingest([eventOf('d', at)], at).flatMap(({ decisions }) => decisions)).toEqual([]);

    const waiting = worldOf({ ...rule, delay: { span: HOUR, text: '1h' } });
    waiting.ingest(events, at);
    const [end] = waiting.advance(at + HOUR).flatMap(({ decisions }) => decisions);
    expect(end).toMatchObject({ reason_code: 'matched', event_ids: eventIds });
    const due_at = new Date(at + HOUR).toISOString();
    const wait = { kind: 'delay', wait_id: expect.any(String), since: new Date(at).toISOString(), due_at };
    expect(end?.evidence).toEqual({ ...evidence, wait });
  });
});

function worldOf(...rules: Rule[]): Simulator {
  return new Simulator(only(compileRuleSet(1, catalogOf(rules))), countingIds());
}

function told({ userId, at, decisions }: SimulationStep): string {
  const [decision] = decisions;
  const hours = (at - BASE) / HOUR;
  return `${userId} ${decision?.rule} ${decision?.reason_code} at ${Number.isInteger(hours) ? hours : hours.toFixed(1)}h`;
}

function eventOf(type: string, time: Millis, userId = 'u 1', properties: JsonObject = {}): Event {
  const eventId = `${userId} ${type} ${time}`;
  return { tenantId: '', userId, eventId, key: contentUuid(eventId), type, time, properties, traits: {} };
}
