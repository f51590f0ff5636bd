import { expect, test } from 'vitest';
import type { ReceivedEvent } from '../src/events/envelope.ts';
import { SlowLane } from '../src/ingest/bounds/slow-lane.ts';

test('events of costly users are bounded in bytes, of one user and of all; the others are answered to be sent again', async () => {
  const held: (() => void)[] = [];
  const lane = new SlowLane(
    (_tenantId, events) => new Promise((resolve) => held.push(() => resolve(events.map(() => ({}) as never)))),
    Date.now,
  );
  const submit = (userId: string, chars: number) => {
    const event = { userId, propertiesText: 'x'.repeat(chars), traitsText: '' } as ReceivedEvent;
    return Promise.all(lane.submit('t', userId, [event])).then(
      () => 'decided',
      (error) => error.code,
    );
  };
  const MB = 1024 * 1024;
  const first = submit('u', 6 * MB);
  expect(await submit('u', 3 * MB)).toBe('overloaded');
  const others = Array.from({ length: 6 }, (_, n) => submit(`other ${n}`, 5 * MB));
  expect(await others[5]).toBe('overloaded');
  const ending = setInterval(() => {
    for (const end of held) end();
  }, 1);
  expect(await Promise.all([first, ...others.slice(0, 5)])).toEqual(Array(6).fill('decided'));
  expect(await submit('u', 40 * MB)).toBe('decided');
  clearInterval(ending);
});
