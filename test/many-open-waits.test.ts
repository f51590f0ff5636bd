import { expect, test, vi } from 'vitest';
import { HOUR, type TimedTidings, useTimedTidings } from './support/timers.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Users with more open waits than are always loaded (2,000): what an event does to a wait does not depend on their number. */

const start = useTimedTidings();

/** Copies the only open wait that `where` selects, due a second later each. */
async function copyWait(tidings: TimedTidings, copies: number, where = 'true'): Promise<void> {
  await tidings.rows(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state, sealed)
     select tenant_id, user_id, gen_random_uuid(), rule, key, kind, catalog_version, status, trigger_time,
            due_at + n * interval '1 second', began_at, state, sealed
     from waits, generate_series(1, ${copies}) as n where status = 'waiting' and ${where}`,
  );
}

test('an event ends all of ten times as many waits as are always loaded, each with a decision', async () => {
  const tidings = await start('R: { on: began, delay: 30d, again: beside, cancel_on: ended }');
  await tidings.post({ user: 'u', type: 'began' });
  await copyWait(tidings, 19_999);
  tidings.clock.now += HOUR;
  const [decisions] = await tidings.post({ user: 'u', type: 'ended' });
  expect(await tidings.count('waits', `status = 'cancelled'`)).toBe(20_000);
  expect(decisions).toHaveLength(20_000);
  expect(new Set(decisions?.map(({ reason_code }) => reason_code))).toEqual(new Set(['cancelled_by_event']));
  expect(decisions?.some(({ evidence }) => evidence.left_out)).toBe(false);
});

test('of the waits beyond, an event ends those of its key and of the version they began with, counts for an absence, and leaves the others', async () => {
  const tidings = await start('R: { on: began, key: event.n, delay: 30d, cancel_on: ended }\n  T: { on: ended }');
  await tidings.post({ user: 'u', type: 'began', properties: { n: 1 } });
  await copyWait(tidings, 2500);
  tidings.clock.now += HOUR;
  await tidings.post({ user: 'u', type: 'began', properties: { n: 2 } });
  await tidings.applyRules(`R: { on: began, key: event.n, delay: 60d }
  S: { on: reached, key: event.n, unless: { event: ended, within: 80d, at_least: 2 } }
  T: { on: ended }`);
  await tidings.post({ user: 'u', type: 'reached', properties: { n: 2 } });
  tidings.clock.now += HOUR;
  await tidings.rows(`update waits set due_at = due_at + interval '1 day' where key = '2'`);
  // An event without the key ends nothing.
  await tidings.post({ user: 'u', type: 'ended' });
  expect(await tidings.count('waits', `status = 'cancelled'`)).toBe(0);
  const ends = (n: number) => ({ user: 'u', type: 'ended', properties: { n } });
  await tidings.ingest(
    [ends(2), ends(2)].map(({ user, type, properties }, n) => ({
      event_id: `end ${n}`,
      user_id: user,
      event_type: type,
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties,
    })),
  );
  expect(await tidings.rows(`select rule, key from waits where status = 'cancelled' order by 1`)).toEqual([
    { rule: 'R', key: '2' },
    { rule: 'S', key: '2' },
  ]);
});

test('a wait beyond is replaced by a later trigger of its key, moved by a trait, and cancelled by a rule', async () => {
  const tidings = await start(`MANY: { on: reached, delay: 1d, again: beside }
  AGAIN: { on: began, delay: 2d, again: restart }
  MOVED: { on: began, at: monday 09:00, zone: user, again: ignore }
  ENDED: { on: began, delay: 9d, again: ignore }
  ENDS: { on: ended, notify: none, do: { cancel: ENDED } }`);
  const { clock } = tidings;
  await tidings.post({ user: 'u', type: 'reached' });
  await tidings.post({ user: 'u', type: 'began' });
  await copyWait(tidings, 2500, `rule = 'MANY'`);
  const due = async (rule: string) =>
    (await tidings.rows(`select due_at from waits where status = 'waiting' and rule = '${rule}'`)).map(
      ({ due_at: at }) => new Date(Number(at)).toISOString(),
    );
  clock.now += HOUR;
  const [again] = await tidings.post({ user: 'u', type: 'began' });
  const codes = again?.map(({ rule, reason_code }) => `${rule} ${reason_code}`).sort();
  expect(codes).toEqual(['AGAIN superseded', 'AGAIN waiting', 'ENDED already_waiting', 'MOVED already_waiting']);
  expect(await due('AGAIN')).toEqual(['2025-11-22T13:00:00.000Z']);
  expect(await due('MOVED')).toEqual(['2025-11-24T09:00:00.000Z']);
  await tidings.post({ user: 'u', type: 'reached', traits: { time_zone: 'Asia/Tokyo' } });
  expect(await due('MOVED')).toEqual(['2025-11-24T00:00:00.000Z']);
  clock.now += HOUR;
  const [ended] = await tidings.post({ user: 'u', type: 'ended' });
  expect(ended?.filter(({ rule }) => rule === 'ENDED')).toMatchObject([{ reason_code: 'cancelled_by_rule' }]);
  expect(await tidings.countOpenWaits()).toBe(2501 + 1 + 2);
});

test('a wait that fires cancels waits beyond, and what it emits ends them', async () => {
  const tidings = await start(`MANY: { on: reached, delay: 1d, again: beside }
  FIRST: { on: began, delay: 1h, notify: none, do: [{ cancel: ENDED }, { emit: ended }] }
  ENDED: { on: began, delay: 9d }
  OTHER: { on: began, delay: 9d, cancel_on: ended }`);
  await tidings.post({ user: 'u', type: 'reached' });
  await tidings.post({ user: 'u', type: 'began' });
  await copyWait(tidings, 2500, `rule = 'MANY'`);
  tidings.clock.now += HOUR;
  expect(await tidings.fireDueWaits(['u'])).toBe(1);
  expect(await tidings.rows(`select rule from waits where status = 'cancelled' order by 1`)).toEqual([
    { rule: 'ENDED' },
    { rule: 'OTHER' },
  ]);
});
