import { describe, expect, test } from 'vitest';
import { findOpenTriggers } from '../src/rules/patterns/match-pattern.ts';
import { plainRule, rulesOf } from './support/random-catalog.ts';
import { newIds, tellStory, userKnowing } from './support/simulation.ts';

/** Patterns over earlier events: the bounds of their steps, and events that become known late. */

const HOUR = 3_600_000;
const RULE = { name: 'R', on: ['a'] };
const ROLLING = { kind: 'rolling', span: HOUR, text: '1h' } as const;

describe('a step before the trigger', () => {
  const after = [{ event: 'b', within: HOUR, withinText: '1h', same: 'event.n' }];

  test.each([
    [-HOUR - 1, false],
    [-HOUR, true],
    [0, true],
    [1, false],
  ])('may be %i ms from it, both ends of the window included: %s', (distance, found) => {
    const story = tellStory({ ...RULE, after });
    story.post(0, ['b', distance, { n: 1 }]);
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual([found ? 'R matched' : 'R pattern_incomplete']);
  });

  test.each([
    [-HOUR - 1, false],
    [-HOUR, true],
    [0, true],
    [1, false],
  ])('may become known late, %i ms from it: %s', (distance, found) => {
    const story = tellStory({ ...RULE, after });
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual(['R pattern_incomplete']);
    expect(story.post(0, ['b', distance, { n: 1 }])).toEqual(found ? ['R matched'] : []);
  });

  test('is found if another one happened after the trigger', () => {
    const story = tellStory({ ...RULE, after });
    story.post(1, ['b', -1, { n: 1 }], ['b', 1, { n: 1 }]);
    expect(story.post(1, ['a', 0, { n: 1 }])).toEqual(['R matched']);
  });

  test('that becomes known late completes the triggers after it in order of their time', () => {
    const story = tellStory({ ...RULE, after });
    story.post(2, ['a', 2, { n: 1 }]);
    story.post(2, ['a', 1, { n: 1 }]);
    const [step] = story.steps(2, ['b', 0, { n: 1 }]);
    expect(step!.decisions.map(({ event_ids }) => event_ids)).toEqual([
      ['event 2', 'event 3'],
      ['event 1', 'event 3'],
    ]);
  });

  test('does not complete a trigger that has no key', () => {
    const story = tellStory({ ...RULE, after, key: 'event.k' });
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual(['R key_missing']);
    expect(story.post(0, ['b', 0, { n: 1 }])).toEqual([]);
  });

  test('is not the trigger itself', () => {
    const event = { tenantId: '', userId: 'u', eventId: 'k', key: 'k', type: 'a', time: 0, properties: {}, traits: {} };
    const user = userKnowing([event]);
    const rules = rulesOf([plainRule({ ...RULE, after })]);
    const open = (key: string) => findOpenTriggers(rules, user, { ...event, type: 'b', key }, newIds());
    expect(open('other').map(({ trigger }) => trigger)).toEqual([event]);
    expect(open('k')).toEqual([]);
  });

  test('and the count of the rule are both required', () => {
    const count = { of: ['c'], how: 'at_least', n: 1, window: ROLLING } as const;
    const story = tellStory({ ...RULE, after, count });
    story.post(0, ['b', 0, { n: 1 }]);
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual(['R count_not_met']);
    story.post(1, ['c', 1]);
    expect(story.post(1, ['a', 1, { n: 1 }])).toEqual(['R matched']);
    expect(story.post(1, ['a', 1, { n: 2 }])).toEqual(['R pattern_incomplete']);
  });
});
