import { beforeEach, describe, expect, test } from 'vitest';
import type { Wait } from '../src/rules/facts.ts';
import { useDatabase } from './support/database.ts';
import { createWait, DAY, decisionOf, firedWait, HOUR, idsOf, NOW, TRIGGER, WaitStore } from './support/waits.ts';

const database = useDatabase();
const store = new WaitStore(() => database().pool);

beforeEach(async () => {
  await store.pool.query('truncate waits');
});

describe('stored waits', () => {
  test('are loaded as they were written, and count as unchanged', async () => {
    const one = createWait({ key: 'booking 1', kind: 'digest', state: { trigger: TRIGGER, items: [], total: 3 } });
    await store.save(one);
    const [loaded] = await store.load(['u']);
    expect(loaded).toEqual({ ...one, stored: 'same', sealed: null });

    const moved: Wait = { ...(loaded as Wait), dueAt: NOW + DAY, triggerTime: NOW + 5, stored: 'changed' };
    await store.save(moved);
    expect(await store.load(['u'])).toEqual([{ ...moved, stored: 'same' }]);
  });

  test('are loaded once: all open ones of the users, and the latest 20 ended ones of a rule and key', async () => {
    const open = [createWait(), createWait({ rule: 'B', key: '=k' }), createWait({ userId: 'v' })];
    const ended = Array.from({ length: 25 }, (_, n) =>
      createWait({ status: 'fired', endedAt: NOW, triggerTime: NOW - n * HOUR, key: '' }),
    );
    const others = [
      createWait({ status: 'cancelled', endedAt: NOW, key: 'other' }),
      createWait({ status: 'fired', endedAt: NOW, rule: 'B', key: '=k' }),
      createWait({ status: 'fired', endedAt: NOW, userId: 'v' }),
    ];
    await store.save(...open, ...ended, ...others);
    const needs = [
      { userId: 'u', need: { rule: 'A', key: '' } },
      { userId: 'u', need: { rule: 'A', key: '' } },
    ];
    expect(idsOf(await store.load(['u'], needs))).toEqual(idsOf([open[0], open[1], ...ended.slice(0, 20)] as Wait[]));
    expect(idsOf(await store.load(['v']))).toEqual(idsOf([open[2]] as Wait[]));
    const more = [
      { userId: 'u', need: { rule: 'B', key: '=k' } },
      { userId: 'u', need: { rule: 'A', key: 'other' } },
    ];
    expect(idsOf(await store.load(['u'], more))).toEqual(idsOf([open[0], open[1], others[1], others[0]] as Wait[]));
    expect(await store.load([])).toEqual([]);
  });

  test('are listed by looking at a bounded number, and pending ones of a rare rule are found beside any', async () => {
    const rare = { rule: 'RARE', beganAt: NOW - DAY };
    await store.save(createWait(rare), createWait({ ...rare, status: 'fired', endedAt: NOW }));
    await store.fill(20_001, 20_001);
    expect(await store.list({ rule: 'RARE', status: 'waiting' })).toMatchObject({
      waits: [{ rule: 'RARE' }],
      last: null,
    });
    const first = await store.list({ rule: 'RARE' });
    expect(first).toMatchObject({ waits: [], last: { beganAt: expect.any(Number) } });
    const second = await store.list({ rule: 'RARE' }, 10, first.last);
    expect(second).toMatchObject({ waits: [{ rule: 'RARE' }, { rule: 'RARE' }], last: null });
    expect((await store.list({ rule: 'A', status: 'waiting' })).waits).toHaveLength(10);
    expect(await store.countWaiting(['A'])).toEqual([{ rule: 'A', users: 10_000, waits: 10_000, at_least: true }]);
  });

  test('are loaded up to 2000, those due first', async () => {
    await store.fill(2100);
    const loaded = await store.load(['p 7']);
    expect(loaded).toHaveLength(2000);
    expect(Math.max(...loaded.map(({ dueAt }) => dueAt))).toBe(NOW + 1999 * 1000);
  });

  test('are loaded up to 16 MiB, those due first and at least one', async () => {
    const large = (n: number, bytes: number) =>
      createWait({ dueAt: NOW + n, state: { trigger: { ...TRIGGER, properties: { text: 'x'.repeat(bytes) } } } });
    const all = Array.from({ length: 20 }, (_, n) => large(n, 1_000_000));
    await store.save(...all.slice(10), createWait({ userId: 'v' }));
    await store.save(...all.slice(0, 10));
    // 16 MiB is a little less than 17 of them.
    expect((await store.load(['u', 'v'])).map(({ userId, dueAt }) => (userId === 'u' ? dueAt - NOW : userId))).toEqual([
      ...Array.from({ length: 17 }, (_, n) => n),
      'v',
    ]);
    await store.pool.query('truncate waits');
    await store.save(large(0, 17_000_000), createWait({ dueAt: NOW + 1 }));
    expect((await store.load(['u'])).map(({ dueAt }) => dueAt)).toEqual([NOW]);
  });

  test('are known by id beyond 16 MiB, without their contents', async () => {
    const text = 'x'.repeat(1_000_000);
    const all = Array.from({ length: 20 }, () =>
      createWait({ state: { trigger: { ...TRIGGER, properties: { text } } } }),
    );
    await store.save(...all);
    expect(await store.loadByIds(all)).toEqual([
      ...Array.from({ length: 17 }, () => ({ chars: 1_000_000, isWhole: true })),
      ...Array.from({ length: 3 }, () => ({ chars: 0, isWhole: false })),
    ]);
  });

  test('start once', async () => {
    const one = createWait();
    await store.save(one);
    await expect(store.save(one)).rejects.toMatchObject({ code: '23505' });
  });

  test('end once', async () => {
    const one = createWait();
    await store.save(one);
    await store.save(firedWait(one));
    await expect(store.save({ ...one, stored: 'changed', dueAt: NOW + DAY })).rejects.toMatchObject({ code: '40001' });
    await expect(store.save({ ...firedWait(one), status: 'cancelled' })).rejects.toMatchObject({ code: '40001' });
    expect((await store.row(one)).status).toBe('fired');
  });

  test('have times that fit their status', async () => {
    const fails = (values: Partial<Wait>) =>
      expect(store.save(createWait(values))).rejects.toMatchObject({ code: '23514' });
    await fails({ status: 'waiting', endedAt: NOW });
    await fails({ status: 'fired', endedAt: null });
    await fails({ status: 'gone' as 'fired', endedAt: NOW });
    await fails({ kind: 'nap' as 'delay' });
  });

  test('may end in the statement that starts them, and are due at the end of the year 9999 at the latest', async () => {
    const occurrence = createWait({ kind: 'every', status: 'fired', endedAt: NOW });
    const far = createWait({ dueAt: Date.parse('9999-12-31T23:00:00Z') + DAY });
    await store.save(occurrence, far);
    expect((await store.row(occurrence)).ended_at).toBe(NOW);
    expect((await store.row(far)).due_at).toBe(Date.parse('9999-12-31T23:59:59.999Z'));
  });

  test('are listed with the decisions made at their end', async () => {
    const one = createWait();
    await store.save(one);
    const decision = decisionOf(one);
    await store.write([{ wait: firedWait(one), decisions: [decision] }]);
    const { waits } = await store.list({}, 10, null);
    expect(waits[0]).toMatchObject({
      wait_id: one.waitId,
      status: 'fired',
      key: null,
      event_id: 'e',
      event_type: 'began',
      due_at: new Date(one.dueAt).toISOString(),
      decisions: [decision],
    });
  });

  test('are listed newest first, by user, rule and status, page by page', async () => {
    const all = Array.from({ length: 5 }, (_, n) => createWait({ beganAt: NOW + n, rule: n % 2 ? 'A' : 'B' }));
    await store.save(
      ...all,
      createWait({ userId: 'v', rule: 'B', status: 'cancelled', endedAt: NOW, beganAt: NOW - 1 }),
    );
    const first = await store.list({ userId: 'u' }, 3, null);
    const second = await store.list({ userId: 'u' }, 3, first.last);
    expect([...first.waits, ...second.waits].map(({ wait_id }) => wait_id)).toEqual(
      all.map(({ waitId }) => waitId).reverse(),
    );
    expect(second.last).toBeNull();
    const count = async (filter: Parameters<typeof store.list>[0]) => (await store.list(filter, 10, null)).waits.length;
    expect(await count({ rule: 'B' })).toBe(4);
    expect(await count({ rule: 'B', status: 'waiting' })).toBe(3);
    expect(await count({ status: 'cancelled' })).toBe(1);
    expect(await count({ userId: 'unknown' })).toBe(0);
    expect(await store.countWaiting()).toEqual([
      { rule: 'A', users: 1, waits: 2, at_least: false },
      { rule: 'B', users: 1, waits: 3, at_least: false },
    ]);
    expect(await store.countWaiting(['A', 'C'])).toMatchObject([{ rule: 'A', users: 1, waits: 2 }]);
    expect(await store.countWaiting([])).toEqual([]);
  });
});
