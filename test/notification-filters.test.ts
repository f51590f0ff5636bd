import { describe, expect, test } from 'vitest';
import { isAbout } from '../src/rules/evaluate/triggers.ts';
import { plainRule } from './support/random-catalog.ts';
import { type StoryEvent, tellStory } from './support/simulation.ts';

const HOUR = 3_600_000;
const RULE = { name: 'R', on: ['a'] };
const ROLLING = { kind: 'rolling', span: HOUR, text: '1h' } as const;

describe('a rule about some notification types', () => {
  const rule = plainRule({ ...RULE, on: ['notification.failed'], about: ['N'] });
  const event = (type: string, notification_type: string) => ({ type, properties: { notification_type } });

  test.each([
    [rule, event('notification.failed', 'N'), true],
    [rule, event('notification.failed', 'M'), false],
    [rule, { type: 'notification.failed', properties: {} }, false],
    [rule, event('other', 'M'), true],
    [plainRule(RULE), event('notification.failed', 'M'), true],
  ])('%# accepts an event: %s', (one, given, accepted) => {
    expect(isAbout(one, given)).toBe(accepted);
  });

  test('counts only those, if it counts its triggers', () => {
    const failed = (n: number, notification_type: string): StoryEvent => [
      'notification.failed',
      n,
      { notification_type },
    ];
    const count = { of: ['notification.failed'], how: 'at_least', n: 2, window: ROLLING } as const;
    const story = tellStory({ ...rule, count });
    expect(story.post(3, failed(1, 'M'), failed(2, 'N'))).toEqual(['R count_not_met']);
    expect(story.post(3, failed(3, 'N'))).toEqual(['R matched']);
  });

  test.each([
    [['notification.failed'], ['notification.failed', 'b']],
    [['notification.failed', 'b'], ['notification.failed']],
    [
      ['notification.failed', 'b'],
      ['notification.failed', 'c'],
    ],
  ])('and on %j counts all of %j, because the count names other events', (on, of) => {
    const story = tellStory({ ...rule, on, count: { of, how: 'at_least', n: 2, window: ROLLING } });
    story.post(3, ['notification.failed', 1, { notification_type: 'M' }]);
    expect(story.post(3, ['notification.failed', 2, { notification_type: 'N' }])).toEqual(['R matched']);
  });
});
