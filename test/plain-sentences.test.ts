import { expect, test } from 'vitest';
import { DAY, HOUR, plainRule } from './support/random-catalog.ts';
import { tellStory } from './support/simulation.ts';

/** Reasons say what happened in the words of the rule. */

const UNLESS = { events: ['b'], atLeast: 1, within: HOUR, withinText: '1h' };

test.each([
  [{ unless: { ...UNLESS, same: 'event.k' } }, 'there was no b with the same event.k within 1h'],
  [{ unless: UNLESS, key: 'event.k' }, 'there was no b with the same event.k within 1h'],
  [
    { unless: { ...UNLESS, same: 'event.n' }, key: 'event.k' },
    'there was no b with the same event.k and event.n within 1h',
  ],
  [{ unless: UNLESS }, 'there was no b within 1h'],
])('an absence names what both events share: %j', (rule, sentence) => {
  const story = tellStory({ name: 'R', on: ['a'], limits: [], ...rule });
  story.post(0, ['a', 0, { k: 'x', n: 1 }]);
  const [send] = story.sends(2 * HOUR);
  expect(send?.decision.reason).toMatch(new RegExp(`^To be sent: .* and ${sentence}\\.$`));
});

test('a throttle says what it allows', () => {
  const limit = { max: 1, period: { kind: 'rolling', span: DAY }, text: '1 per 24h', throttle: true } as const;
  const story = tellStory(plainRule({ name: 'R', on: ['a'], limits: [limit] }));
  story.post(0, ['a', 0]);
  const [step] = story.steps(HOUR, ['a', HOUR]);
  expect(step?.decisions[0]?.reason).toMatch(
    /^Not sent: already sent on .*, and the throttle of the rule allows 1 per 24h\.$/,
  );
});

test('a rule that only acts says so', () => {
  const story = tellStory({
    name: 'R',
    on: ['a'],
    notify: [],
    actions: [{ kind: 'emit', event: 'c', properties: {} }],
  });
  const [step] = story.steps(0, ['a', 0]);
  expect(step?.decisions[0]?.reason).toMatch(/^Actions performed: a always triggers it/);
});
