import type { Rule } from '../../src/model/catalog.ts';
import type { Millis } from '../../src/model/event.ts';
import { applyStep, fireStep, postStep } from './history-steps.ts';
import { DAY, HOUR, plainRule, SECOND } from './random-catalog.ts';
import type { Step } from './random-history.ts';

/** Histories that a backtest once decided in another way than the pipeline had. */

const aSecond = { delay: { span: 1000, text: '1s' } };
const aDay = { delay: { span: DAY, text: '24h' } };
const afterD = { after: [{ event: 'd', within: SECOND, withinText: '1s' }] };

function oneDigest(span: Millis, text: string): Partial<Rule> {
  return { digest: { window: { kind: 'fixed', span, text }, keep: 1, firstNow: false } };
}

/** Rules, steps, and where the backtest starts: each was found at random, once in some thousand runs. */
export const HISTORIES_IN_MEMORY: [Rule[], Step[], number][] = [
  // A wait that fires emits an event that starts another wait, which is over in the millisecond in which an event arrived.
  [
    [
      plainRule({
        name: 'R0',
        on: ['d', 'a'],
        digest: { window: { kind: 'fixed', span: 1000, text: '1s' }, keep: 1, firstNow: false },
        actions: [{ kind: 'emit', event: 'd', properties: {} }],
      }),
    ],
    [postStep(1, 'a'), postStep(DAY, 'd', DAY), fireStep(0), fireStep(0), postStep(1, 'a')],
    0,
  ],
  // Before the backtest starts, a wait fires in the millisecond in which an event arrived, and ends the wait that this started.
  [
    [
      plainRule({
        name: 'R0',
        on: ['a'],
        debounce: { quiet: 1000, text: '1s' },
        actions: [{ kind: 'cancel', rule: 'R1' }],
      }),
      plainRule({ name: 'R1', on: ['a'], ...aSecond }),
    ],
    [postStep(1, 'a'), postStep(DAY, 'a'), fireStep(0), fireStep(HOUR)],
    0.97,
  ],
];

/** Two catalogs, the steps, and where the backtest starts: each was found at random, once in some thousand runs. */
export const HISTORIES_IN_DATABASE: [Rule[], Rule[], Step[], number][] = [
  // An emitted event meets a wait that ended under a version that nothing else in the batch uses.
  [
    [plainRule({ name: 'R0', on: ['a'], ...aSecond })],
    [
      plainRule({ name: 'R0', on: ['a'], ...aSecond, cancelOn: ['d'] }),
      plainRule({ name: 'R1', on: ['b'], actions: [{ kind: 'emit', event: 'd', properties: {} }] }),
    ],
    [postStep(1, 'a'), fireStep(HOUR), applyStep(1), postStep(HOUR, 'b', HOUR)],
    0,
  ],
  // A wait that has fired had no key. In the active version the rule has one, and the event that is too late is without one.
  [
    [plainRule({ name: 'R0', on: ['a'], ...aSecond, cancelOn: ['d'] })],
    [plainRule({ name: 'R0', on: ['a'], ...aSecond, cancelOn: ['d'], key: 'event.k' })],
    [postStep(1, 'a'), fireStep(HOUR), applyStep(1), postStep(HOUR, 'd', 2 * HOUR)],
    0,
  ],
  // A late event completes the pattern of a trigger that started a wait under a version without the pattern.
  [
    [plainRule({ name: 'R0', on: ['b'], ...aSecond })],
    [plainRule({ name: 'R0', on: ['b'], ...aSecond, after: [{ event: 'a', within: HOUR, withinText: '1h' }] })],
    [postStep(1, 'b'), fireStep(HOUR), applyStep(1), postStep(HOUR, 'a', 2 * HOUR + 1)],
    0,
  ],
  // Late starts of a counting window meet the count, miss it, and meet it again.
  [
    [
      plainRule({
        name: 'R0',
        on: ['d'],
        ...aSecond,
        count: { of: ['b'], how: 'at_most', n: 0, window: { kind: 'since', event: 'a', text: 'a' } },
      }),
    ],
    [plainRule({ name: 'R0', on: ['a'] })],
    [
      postStep(DAY, 'd'),
      postStep(HOUR, 'a', 5 * HOUR),
      postStep(HOUR, 'b', 5 * HOUR),
      fireStep(HOUR),
      postStep(HOUR, 'a', 5 * HOUR),
    ],
    0,
  ],
  // A late event completes the pattern of one rule, and the event that this emits completes that of another.
  [
    [
      plainRule({ name: 'R0', on: ['b'], after: [{ event: 'e', within: HOUR, withinText: '1h' }] }),
      plainRule({ name: 'R1', on: ['b'], after: [{ event: 'a', within: HOUR, withinText: '1h' }] }),
      plainRule({ name: 'R2', on: ['a'], notify: [], actions: [{ kind: 'emit', event: 'e', properties: {} }] }),
    ],
    [],
    [postStep(DAY, 'b'), postStep(HOUR, 'a', HOUR + 1)],
    0,
  ],
  // The rule fired under a version without the pattern that a late event completes: before the backtest starts, and in it.
  ...[0, 0.999].map((from): [Rule[], Rule[], Step[], number] => [
    [plainRule({ name: 'R0', on: ['b'] })],
    [plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: HOUR, withinText: '1h' }] })],
    [postStep(DAY, 'b'), applyStep(1), postStep(HOUR, 'a', HOUR + 2)],
    from,
  ]),
  // The same after a burst that an earlier event started, and with a rule that has a key by then.
  [
    [plainRule({ name: 'R0', on: ['b'], debounce: { quiet: 1000, text: '1s' } })],
    [plainRule({ name: 'R0', on: ['b'], key: 'event.k', after: [{ event: 'a', within: HOUR, withinText: '1h' }] })],
    [
      postStep(DAY, 'b', 0, { k: 'x' }),
      postStep(1, 'b', 0, { k: 'x' }),
      fireStep(HOUR),
      applyStep(1),
      postStep(HOUR, 'a', 2 * HOUR + 3, { k: 'x' }),
    ],
    0,
  ],
  // A count that is met, missed and met again, of a rule that does not wait.
  [
    [
      plainRule({
        name: 'R0',
        on: ['d'],
        actions: [{ kind: 'emit', event: 'e', properties: {} }],
        count: { of: ['b'], how: 'at_most', n: 0, window: { kind: 'since', event: 'a', text: 'a' } },
      }),
    ],
    [plainRule({ name: 'R0', on: ['a'] })],
    [
      postStep(HOUR, 'a'),
      postStep(DAY, 'd'),
      postStep(HOUR, 'b', 5 * HOUR),
      postStep(HOUR, 'a', 6 * HOUR),
      postStep(HOUR, 'a', 4 * HOUR),
    ],
    0,
  ],
  // A wait is moved to a version whose pattern asks for an event of the type of its trigger, which came in the same millisecond:
  // another event ends it then. And one that came before: it lives on.
  [
    [plainRule({ name: 'R0', on: ['d'], ...aDay, ...afterD, cancelOn: ['a'] })],
    [plainRule({ name: 'R0', on: ['d'], ...aDay })],
    [postStep(1, 'd'), applyStep(1), postStep(HOUR, 'd', HOUR + 1), postStep(1, 'a'), applyStep(HOUR)],
    0,
  ],
  [
    [plainRule({ name: 'R0', on: ['d'], ...aDay, ...afterD })],
    [plainRule({ name: 'R0', on: ['d'], ...aDay })],
    [postStep(1, 'd'), applyStep(1), postStep(SECOND - 1, 'd'), applyStep(HOUR), fireStep(DAY)],
    0,
  ],
  // A digest and a burst are moved to a version with a longer window, and get another event there.
  ...[
    [oneDigest(HOUR, '1h'), oneDigest(DAY, '24h')] as const,
    [{ debounce: { quiet: HOUR, text: '1h' } }, { debounce: { quiet: DAY, text: '24h' } }] as const,
  ].map(([short, long]): [Rule[], Rule[], Step[], number] => [
    [plainRule({ name: 'R0', on: ['b'], ...short })],
    [plainRule({ name: 'R0', on: ['b'], ...long })],
    [postStep(1, 'b'), applyStep(HOUR), postStep(1, 'b'), fireStep(2 * DAY)],
    0,
  ]),
];
