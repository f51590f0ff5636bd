import { describe, expect, test } from 'vitest';
import { tellStory } from './support/simulation.ts';

/** Events that cancel a wait: the bounds of an absence and of `cancel_on`, whichever event becomes known first. */

const HOUR = 3_600_000;
const ABSENCE = { events: ['b'], atLeast: 1, within: HOUR, withinText: '1h' };
const RULE = { name: 'R', on: ['a'] };
const ABSENT = { ...RULE, unless: ABSENCE };
const CANCELLED = { ...RULE, delay: { span: HOUR, text: '1h' }, cancelOn: ['b'] };

describe.each([
  ['an absence', ABSENT, 'unless_event_occurred'],
  ['a wait with cancel_on', CANCELLED, 'cancelled_by_event'],
] as const)('%s', (_what, rule, code) => {
  test.each([
    [-1, false],
    [0, true],
    [1, true],
    [HOUR, true],
    [HOUR + 1, false],
  ])('is cancelled by an event %i ms after its trigger, both ends included: %s', (after, ended) => {
    const story = tellStory(rule);
    expect(story.post(0, ['a', 0])).toEqual(['R waiting']);
    expect(story.post(0, ['b', after])).toEqual(ended ? [`R ${code}`] : []);
    expect(story.advance(3 * HOUR)).toEqual(ended ? [] : ['R matched']);
  });

  test.each([
    [-1, false],
    [0, true],
    [HOUR, true],
    [HOUR + 1, false],
  ])('does not start if an event %i ms after its trigger is known before: %s', (after, ended) => {
    const story = tellStory(rule);
    story.post(0, ['b', after]);
    expect(story.post(0, ['a', 0])).toEqual([ended ? `R ${code}` : 'R waiting']);
    expect(story.advance(3 * HOUR)).toEqual(ended ? [] : ['R matched']);
  });

  test('is not cancelled by another event', () => {
    const story = tellStory(rule);
    story.post(0, ['a', 0]);
    expect(story.post(0, ['c', 1])).toEqual([]);
    expect(story.advance(HOUR)).toEqual(['R matched']);
  });

  test('is not cancelled by its own trigger', () => {
    const story = tellStory({ ...rule, on: ['b'] });
    expect(story.post(0, ['b', 0])).toEqual(['R waiting']);
    expect(story.advance(HOUR)).toEqual(['R matched']);
  });

  test('is cancelled only by an event of its own key', () => {
    const story = tellStory({ ...rule, key: 'event.k' });
    story.post(0, ['a', 0, { k: 'x' }], ['a', 0, { k: 'y' }]);
    const [step] = story.steps(0, ['b', 1, { k: 'y' }]);
    expect(step!.decisions.map(({ reason_code, evidence }) => [reason_code, evidence.key])).toEqual([[code, 'y']]);
    expect(story.post(0, ['b', 1], ['b', 1, { k: 'z' }])).toEqual([]);
    expect(story.advance(HOUR)).toEqual(['R matched']);
  });

  test('that has fired is not cancelled: the event is reported as too late', () => {
    const story = tellStory(rule);
    story.post(0, ['a', 0]);
    story.advance(HOUR);
    expect(story.post(2 * HOUR, ['b', HOUR])).toEqual(['R too_late']);
    expect(story.post(2 * HOUR, ['b', HOUR + 1])).toEqual([]);
  });

  test('that has fired is reported only for a late event of its own key', () => {
    const story = tellStory({ ...rule, key: 'event.k' });
    story.post(0, ['a', 0, { k: 'x' }], ['a', 0, { k: 'y' }]);
    story.advance(HOUR);
    const [step] = story.steps(2 * HOUR, ['b', 1, { k: 'y' }]);
    expect(step!.decisions.map(({ reason_code, evidence }) => [reason_code, evidence.key])).toEqual([
      ['too_late', 'y'],
    ]);
  });

  test('that fired without sending is not reported for a late event', () => {
    const story = tellStory({ ...rule, when: 'user.vip == false' });
    story.post(0, ['a', 0, {}, { vip: false }]);
    story.post(1, ['c', 1, {}, { vip: true }]);
    expect(story.advance(HOUR)).toEqual(['R condition_false']);
    expect(story.post(2 * HOUR, ['b', 1])).toEqual([]);
  });

  test('of another rule is left alone', () => {
    const story = tellStory(rule, {
      ...rule,
      name: 'S',
      ...('unless' in rule ? { unless: { ...ABSENCE, events: ['c'] } } : { cancelOn: ['c'] }),
    });
    story.post(0, ['a', 0]);
    expect(story.post(0, ['b', 1])).toEqual([`R ${code}`]);
    expect(story.advance(HOUR)).toEqual(['S matched']);
    expect(story.post(2 * HOUR, ['b', 1])).toEqual([]);
  });

  test('names the events, the wait and the reason', () => {
    const story = tellStory(rule);
    story.post(0, ['a', 0]);
    const [step] = story.steps(0, ['b', 1000]);
    expect(step!.decisions).toMatchObject([
      {
        outcome: 'cancelled',
        event_ids: ['event 2', 'event 1'],
        evidence: { wait: { ended_by: { event_id: 'event 2', event_type: 'b' } } },
      },
    ]);
    const when = '26 October 2025 at 00:00:01 UTC';
    expect(step!.decisions[0]!.reason).toBe(
      code === 'cancelled_by_event'
        ? `Cancelled: b on ${when} ends what R waits for.`
        : `Not sent: b happened on ${when}, within the 1h that R waits.`,
    );
  });

  test('and another one that have both fired are each reported once for a late event, with the triggers', () => {
    const story = tellStory(rule, { ...rule, name: 'S' });
    story.post(0, ['a', 0]);
    story.advance(HOUR);
    const [step] = story.steps(2 * HOUR, ['b', 1]);
    expect(step!.decisions).toMatchObject([
      { rule: 'R', reason_code: 'too_late', event_ids: ['event 2', 'event 1'] },
      { rule: 'S', reason_code: 'too_late', event_ids: ['event 2', 'event 1'] },
    ]);
    expect(step!.decisions).toHaveLength(2);
  });
});

describe('an absence', () => {
  test('of several events is cancelled by that many, whether they are posted one by one or before', () => {
    const rule = { ...RULE, unless: { ...ABSENCE, atLeast: 2 } };
    const story = tellStory(rule);
    story.post(0, ['a', 0]);
    expect(story.post(0, ['b', 1])).toEqual([]);
    expect(story.post(0, ['b', 2])).toEqual(['R unless_event_occurred']);
    const other = tellStory(rule);
    other.post(0, ['b', 1]);
    expect(other.post(0, ['a', 0])).toEqual(['R waiting']);
    expect(other.post(0, ['b', 2])).toEqual(['R unless_event_occurred']);
    const third = tellStory(rule);
    third.post(0, ['b', 1], ['b', 2]);
    expect(third.post(0, ['a', 0])).toEqual(['R unless_event_occurred']);
  });

  test('of several events does not report a late one, which may have been the only one', () => {
    const story = tellStory({ ...RULE, unless: { ...ABSENCE, atLeast: 2 } });
    story.post(0, ['a', 0]);
    story.advance(HOUR);
    expect(story.post(2 * HOUR, ['b', 1])).toEqual([]);
  });

  test('of several events is not cancelled sooner by an event that cancels the wait of another key', () => {
    const story = tellStory({ ...RULE, unless: { ...ABSENCE, atLeast: 2 }, cancelOn: ['c'], key: 'event.k' });
    story.post(0, ['a', 0, { k: 'x' }]);
    expect(story.post(0, ['c', 1, { k: 'y' }])).toEqual([]);
    expect(story.post(0, ['b', 1, { k: 'x' }])).toEqual([]);
    expect(story.post(0, ['c', 2, { k: 'x' }])).toEqual(['R cancelled_by_event']);
  });

  test('of several events is cancelled by the first event that cancels', () => {
    const story = tellStory({ ...RULE, unless: { ...ABSENCE, atLeast: 2 }, cancelOn: ['c'] });
    story.post(0, ['a', 0]);
    expect(story.post(0, ['c', 1])).toEqual(['R cancelled_by_event']);
  });

  test('is cancelled only by an event that has the same value', () => {
    const story = tellStory({ ...RULE, unless: { ...ABSENCE, same: 'event.n' } });
    story.post(0, ['a', 0, { n: 1 }]);
    expect(story.post(0, ['b', 1, { n: 2 }], ['b', 1])).toEqual([]);
    expect(story.post(0, ['b', 1, { n: 1 }])).toEqual(['R unless_event_occurred']);
  });
});

test('an event that both cancels a wait and breaks its absence cancels it', () => {
  const story = tellStory({ ...ABSENT, cancelOn: ['b'] });
  story.post(0, ['a', 0]);
  expect(story.post(0, ['b', 1])).toEqual(['R cancelled_by_event']);
});

test.each([
  [['c', 1], ['b', 2], 'cancelled_by_event'],
  [['b', 1], ['c', 2], 'unless_event_occurred'],
  [['b', 1], ['c', 1], 'cancelled_by_event'],
] as const)(
  'of %j and %j that are known before, the first one counts, and of two at once the one that cancels',
  (one, other, code) => {
    const story = tellStory({ ...ABSENT, cancelOn: ['c'] });
    story.post(0, one, other);
    expect(story.post(0, ['a', 0])).toEqual([`R ${code}`]);
  },
);

test('of several types that are known before, the event that came first is named', () => {
  const story = tellStory({ ...CANCELLED, cancelOn: ['b', 'c'] });
  story.post(0, ['b', 2], ['c', 1]);
  const [step] = story.steps(0, ['a', 0]);
  expect(step!.decisions).toMatchObject([
    { reason: expect.stringMatching(/^Cancelled: c on /), event_ids: ['event 3', 'event 2'] },
  ]);
});

test('a burst is cancelled by an event after its last one, not between', () => {
  const story = tellStory({ ...RULE, debounce: { quiet: HOUR, text: '1h' }, cancelOn: ['b'] });
  story.post(0, ['a', 0], ['a', 10]);
  expect(story.post(0, ['b', 9])).toEqual([]);
  expect(story.post(0, ['b', 10])).toEqual(['R cancelled_by_event']);
});

describe('a digest', () => {
  const digest = { window: { kind: 'fixed' as const, span: HOUR, text: '1h' }, keep: 9, firstNow: false };
  const rule = { ...RULE, digest, cancelOn: ['b'] };

  test('drops what was collected up to the event that cancels, and keeps the rest', () => {
    const story = tellStory(rule);
    story.post(0, ['a', 0], ['a', 10], ['a', 20]);
    expect(story.post(0, ['b', 10])).toEqual(['R cancelled_by_event']);
    const [step] = tellStorySends(story);
    expect(step).toEqual([20]);
  });

  test('ends when no item is left', () => {
    const story = tellStory(rule);
    story.post(0, ['a', 0], ['a', 10]);
    expect(story.post(0, ['b', 10])).toEqual(['R cancelled_by_event']);
    expect(story.advance(2 * HOUR)).toEqual([]);
  });

  test('is cancelled by an event from its first item on', () => {
    const story = tellStory(rule);
    story.post(0, ['a', 10], ['a', 20]);
    expect(story.post(0, ['b', 9])).toEqual([]);
    expect(story.post(0, ['b', 10])).toEqual(['R cancelled_by_event']);
  });

  function tellStorySends(story: ReturnType<typeof tellStory>): number[][] {
    return story.sends(2 * HOUR).map(({ items = [] }) => items.map(({ at }) => new Date(at).getTime() % 1000));
  }
});
