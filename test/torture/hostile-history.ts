import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { contentUuid } from '../../src/events/content.ts';
import type { Rule } from '../../src/model/catalog.ts';
import type { Event, JsonObject } from '../../src/model/event.ts';
import { BASE, DAY, HOUR, plainRule } from '../support/random-catalog.ts';
import { simulatorOf } from '../support/simulation.ts';
import { randomFrom } from './random.ts';

/**
 * Hostile histories: one user with very many events, on time, late and in the future, of one moment or spread, with large
 * payloads. What they cost may grow with their number, and not with its square.
 */

const WEEK = { within: 7 * DAY, withinText: '7d' };
const MONTHS = { within: 60 * DAY, withinText: '60d' };
const ROLLING = { kind: 'rolling', span: 7 * DAY, text: '7d' } as const;
const SINCE_C = { kind: 'since', event: 'c', text: 'since c' } as const;

/** A rule of each kind whose evaluation looks at earlier or later events. */
export const HOSTILE_RULES: { readonly [name: string]: Partial<Rule> } = {
  'count with same': { count: { of: ['a'], how: 'at_least', n: 5, window: ROLLING, same: 'event.k' } },
  'count of another type': { count: { of: ['b'], how: 'at_least', n: 5, window: ROLLING, same: 'event.k' } },
  'count of a day': {
    key: 'event.k',
    count: { of: ['a'], how: 'exactly', n: 2, window: { kind: 'day', zone: 'user', text: 'day' } },
  },
  'count since an event': { key: 'event.k', count: { of: ['b'], how: 'at_least', n: 5, window: SINCE_C } },
  'count that is not reached': {
    count: { of: ['a'], how: 'at_least', n: 100_000, window: { kind: 'day', zone: 'user', text: 'day' } },
  },
  'large count': { count: { of: ['a', 'b'], how: 'at_least', n: 150, window: { ...ROLLING, span: 30 * DAY } } },
  'count since its own trigger': {
    count: { of: ['b'], how: 'at_least', n: 5, window: { kind: 'since', event: 'a', text: 'since a' } },
  },
  'count since an event with same': { count: { of: ['b'], how: 'at_least', n: 3, window: SINCE_C, same: 'event.n' } },
  'absence of very many': { unless: { events: ['b'], atLeast: 100_000, ...WEEK } },
  'chain of steps': {
    after: [
      { event: 'b', ...WEEK, same: 'event.k' },
      { event: 'c', ...WEEK, same: 'event.k' },
    ],
  },
  'chain of its own triggers': {
    key: 'event.k',
    after: [
      { event: 'a', ...WEEK },
      { event: 'a', ...WEEK },
    ],
  },
  'earlier event': { after: [{ event: 'b', ...WEEK }], when: 'event.n >= 0' },
  'rolling limit': {
    key: 'event.k',
    limits: [{ max: 50, period: { kind: 'rolling', span: 7 * DAY }, text: '50 per 7d' }],
  },
  'limit ever': { key: 'event.k', limits: [{ max: 1000, period: { kind: 'ever' }, text: '1000 ever' }] },
  'delay that restarts': { key: 'event.k', delay: { span: HOUR, text: '1h' }, again: 'restart', when: 'event.n >= 1' },
  'delay that is cancelled': { key: 'event.k', delay: { span: 60 * DAY, text: '60d' }, cancelOn: ['c'] },
  absence: { key: 'event.k', unless: { events: ['b'], atLeast: 2, within: DAY, withinText: '24h' } },
  digest: { key: 'event.k', digest: { window: { kind: 'fixed', span: HOUR, text: '1h' }, keep: 20, firstNow: true } },
  'digest of many windows': {
    digest: { window: { kind: 'fixed', span: 1000, text: '1s' }, keep: 20, firstNow: false },
  },
  'many bursts': { debounce: { quiet: 1000, text: '1s' }, unless: { events: ['c'], atLeast: 1, ...WEEK } },
  'absence with same': { unless: { events: ['b', 'c'], atLeast: 2, ...MONTHS, same: 'event.id' } },
  'absence with a key each': { key: 'event.id', unless: { events: ['b'], atLeast: 1, ...MONTHS } },
  'point in time of the user': { at: { text: 'user.until', field: 'user.until', offset: 0 } },
  burst: { key: 'event.k', debounce: { quiet: HOUR, text: '1h' } },
  'trait change with a count': {
    on: [],
    changes: [{ trait: 'plan' }],
    key: 'event.k',
    count: { of: ['b'], how: 'at_least', n: 5, window: ROLLING },
  },
};

/** Costs of a history. */
export interface Cost {
  /** Times that the content of an event was looked at. */
  readonly reads: number;
  /** CPU time of the process, in ms. */
  readonly cpu: number;
  readonly decisions: number;
  /** Characters of all decisions as JSON. */
  readonly responseChars: number;
}

/** The parts of a rule beside its name and trigger; or whole rules. */
export type HostileRules = Partial<Rule> | readonly Rule[];

type Shape = 'spread' | 'one moment';

/**
 * Posts a history to one user: half of the events in one request, and then those that happened before and between them in
 * another.
 * @param shape `spread` over weeks, or all within `one moment`
 */
export function playHostile(rule: HostileRules, count: number, shape: Shape, seed: number): Cost {
  return playKept(rule, count, shape, seed).cost;
}

/** @returns also what a process keeps of it */
function playKept(rule: HostileRules, count: number, shape: Shape, seed: number): { cost: Cost; kept: unknown[] } {
  const random = randomFrom(seed);
  const reads = { count: 0 };
  const width = shape === 'spread' ? 28 * DAY : 5;
  const events = Array.from({ length: count }, (_, n) => {
    const isLate = n >= count / 2;
    const type = isLate ? ['a', 'b', 'c'][random.between(0, 2)] : random.between(0, 7) === 0 ? 'b' : 'a';
    // Two of three are after the middle if they are on time, and before it if they are late.
    const side = random.between(0, 2) === 0 ? random.between(0, 1) : isLate ? 0 : 1;
    const time = BASE + Math.floor(((side + random.next()) * width) / 2) + (n % 3);
    return hostileEvent(n, type as string, time, random.between(0, 4), reads);
  });
  const simulator = simulatorOf('length' in rule ? rule : [plainRule({ name: 'R', on: ['a'], ...rule })]);
  const before = process.cpuUsage();
  const now = BASE + 40 * DAY;
  const steps = [
    ...simulator.ingest(events.slice(0, count / 2), now),
    ...simulator.ingest(events.slice(count / 2), now + 1),
  ];
  const { user, system } = process.cpuUsage(before);
  const decisions = steps.flatMap((step) => step.decisions);
  const cost = {
    reads: reads.count,
    cpu: (user + system) / 1000,
    decisions: decisions.length,
    responseChars: JSON.stringify(decisions).length,
  };
  return { cost, kept: [simulator, steps] };
}

/** An event that counts how often its key is read. Some have a large payload. */
function hostileEvent(n: number, type: string, time: number, k: number, reads: { count: number }): Event {
  const properties: JsonObject = { n: n % 7, id: n >> 2, ...(n % 50 === 0 && { payload: 'x'.repeat(20_000) }) };
  Object.defineProperty(properties, 'k', {
    enumerable: true,
    get() {
      reads.count++;
      return `key ${k}`;
    },
  });
  const traits = n % 4 === 0 ? { plan: `plan ${n % 3}` } : {};
  const eventId = `event ${n}`;
  return { tenantId: '', userId: 'u', eventId, key: contentUuid(eventId), type, time, properties, traits };
}

/** A finding: something grew more than it may. */
export interface Excess {
  readonly rule: string;
  readonly what: string;
  readonly factor: number;
}

/** Four times the events may cost so many times as much. Linear is 4, with sorting 5, the square 16. */
const MAX_GROWTH = 8;

/** Tries of a measurement of CPU time; the best one counts, because other processes only make it worse. */
const TRIES = 4;

/** Plays a history of `count` events and one of four times as many; returns what grew too much. */
export function measureGrowth(name: string, rule: HostileRules, count: number, seed: number): Excess[] {
  const found: Excess[] = [];
  for (const shape of ['spread', 'one moment'] as const) {
    let cpu = Number.POSITIVE_INFINITY;
    let costs: [Cost, Cost] | undefined;
    for (let attempt = 0; attempt < TRIES && cpu > MAX_GROWTH; attempt++) {
      costs = [playHostile(rule, count, shape, seed), playHostile(rule, 4 * count, shape, seed)];
      // Below some ms, what a run costs is mostly not the history.
      cpu = Math.min(cpu, costs[1].cpu / Math.max(costs[0].cpu, 10));
    }
    const [small, large] = costs as [Cost, Cost];
    const grown = {
      cpu,
      reads: large.reads / Math.max(small.reads, count),
      decisions: large.decisions / Math.max(small.decisions, count),
      response: large.responseChars / Math.max(small.responseChars, 100 * count),
    };
    for (const [what, factor] of Object.entries(grown)) {
      if (factor > MAX_GROWTH) found.push({ rule: `${name}, ${shape}`, what, factor: Math.round(factor * 10) / 10 });
    }
  }
  return found;
}

/** Heap that may remain for one event of a user, in bytes, beside the event itself: its indexes, decisions and waits. */
const MAX_HEAP_PER_EVENT = 16_384;

/** Plays a history of four times `count` events; returns whether what stays in memory is too much for an event. */
export function measureHeap(name: string, rule: HostileRules, count: number, seed: number): Excess[] {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const { kept } = playKept(rule, 4 * count, 'spread', seed);
  collect();
  const perEvent = (process.memoryUsage().heapUsed - before) / (4 * count);
  // Read after the measurement, so that it is still there then.
  const isKept = kept.length > 0;
  const factor = Math.round(perEvent / MAX_HEAP_PER_EVENT);
  return isKept && perEvent > MAX_HEAP_PER_EVENT ? [{ rule: name, what: 'heap for an event', factor }] : [];
}
