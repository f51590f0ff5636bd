import { expect, test } from 'vitest';
import type { ReceivedEvent } from '../src/events/envelope.ts';
import { SlowLane } from '../src/ingest/bounds/slow-lane.ts';

const MB = 1024 * 1024;

/** A lane whose work ends when `held` is called. */
function heldLane() {
  const held: (() => void)[] = [];
  const started: string[] = [];
  const lane = new SlowLane((tenantId, events) => {
    started.push(`${tenantId} ${events[0]?.userId}`);
    return new Promise((resolve) => held.push(() => resolve(events.map(() => ({}) as never))));
  }, Date.now);
  const submit = (tenantId: string, userId: string, { chars = 0, events = 1 } = {}) => {
    const event = { userId, propertiesText: 'x'.repeat(chars), traitsText: '' } as ReceivedEvent;
    return Promise.all(lane.submit(tenantId, userId, Array<ReceivedEvent>(events).fill(event))).then(
      () => 'decided',
      (error) => error.code,
    );
  };
  return { held, started, submit };
}

test('events of costly users are bounded in bytes, of one user and of all; the others are answered to be sent again', async () => {
  const { held, submit } = heldLane();
  const first = submit('t', 'u', { chars: 6 * MB });
  expect(await submit('t', 'u', { chars: 3 * MB })).toBe('overloaded');
  const others = Array.from({ length: 6 }, (_, n) => submit(`tenant ${n}`, 'u', { chars: 5 * MB }));
  expect(await others[5]).toBe('overloaded');
  const ending = setInterval(() => {
    for (const end of held) end();
  }, 1);
  expect(await Promise.all([first, ...others.slice(0, 5)])).toEqual(Array(6).fill('decided'));
  expect(await submit('t', 'u', { chars: 40 * MB })).toBe('decided');
  clearInterval(ending);
});

test('the costly users of one tenant leave room to those of another, in events and in bytes', async () => {
  for (const load of [{ events: 2000 }, { chars: 8 * MB }]) {
    const { submit } = heldLane();
    const outcomes: string[] = [];
    for (let user = 0; user < 10; user++) void submit('large', `u${user}`, load).then((one) => outcomes.push(one));
    await expect.poll(() => outcomes.length).toBeGreaterThanOrEqual(5);
    expect(new Set(outcomes)).toEqual(new Set(['overloaded']));
    const other = submit('small', 'v', load);
    expect(await Promise.race([other, Promise.resolve('waits')])).toBe('waits');
  }
});

test('tenants take turns, however many costly users one of them has', async () => {
  const { held, started, submit } = heldLane();
  for (let user = 0; user < 5; user++) void submit('large', `u${user}`);
  void submit('small', 'v');
  void submit('small', 'w');
  await expect.poll(() => started).toEqual(['large u0', 'large u1']);
  for (let ended = 0; ended < 4; ended++) {
    held[ended]?.();
    await expect.poll(() => started.length).toBe(ended + 3);
  }
  expect(started).toEqual(['large u0', 'large u1', 'small v', 'large u2', 'small w', 'large u3']);
});
