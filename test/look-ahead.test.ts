import { expect, test } from 'vitest';
import { DAY, plainRule, SECOND } from './support/random-catalog.ts';
import type { Step } from './support/random-history.ts';
import { recordHistory } from './support/replay.ts';

const event = (type: 'a' | 'c', late: number, traits = {}) => {
  return { user: 0, type, late, properties: {}, traits, startsIn: null };
};

test('a trigger that a late event completes is superseded by the change of a trait that is decided next', () => {
  const rule = plainRule({
    name: 'R0',
    on: ['a'],
    changes: [{ trait: 'plan' }],
    after: [{ event: 'a', within: SECOND, withinText: '1s' }],
    delay: { span: SECOND, text: '1s' },
    again: 'restart',
  });
  const steps: Step[] = [
    { gap: SECOND, kind: 'post', events: [event('a', 0)] },
    // A day later: an event half a second earlier, and one half a second later.
    { gap: DAY, kind: 'post', events: [event('a', DAY + 500), event('c', DAY - 500, { plan: 'pro' })] },
  ];
  const { histories } = recordHistory([rule], steps);
  const decisions = histories.flatMap(({ events }) => events.flatMap((one) => one.decisions()));
  const ended = decisions.filter(({ outcome }) => outcome === 'send' || outcome === 'cancelled');
  expect(ended.map(({ reason_code: code, event_ids: [trigger] }) => `${trigger} ${code}`)).toEqual([
    'e1 superseded',
    'e3 matched',
  ]);
});
