import { readFile } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { policyRows, RetentionRows } from './support/retention-rows.ts';

const database = useDatabase();
const rows = new RetentionRows(database);
beforeEach(() => rows.clear());

test('docs/operations.md shows the retention policy', async () => {
  const page = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
  expect(page.split('\n').filter((line) => line.startsWith('| `TIDINGS_RETAIN_') && !line.includes('…'))).toEqual(
    policyRows(),
  );
});

describe('a run of the retention policy', () => {
  test('removes event ids that were received before their period, whatever the time of their event', async () => {
    await rows.eventId('old', 31);
    await rows.eventId('recent', 29);
    expect(await rows.run(30)).toEqual({ rows: expect.objectContaining({ event_ids: 1 }), months: [], locked: [] });
    expect(await rows.names('event_ids')).toEqual(['recent']);
  });

  test('removes rejected events and entries of the audit log after their period', async () => {
    await rows.rejected('old', 31);
    await rows.rejected('rejected again', 1);
    await rows.audit('old', 31);
    await rows.audit('recent', 1);
    await rows.run(30);
    expect(await rows.names('rejected_events')).toEqual(['rejected again']);
    // The run is an entry too, of the only tenant there is.
    expect(await rows.names('audit_log')).toEqual(['default', 'recent']);
  });

  test('never removes a wait that is pending, or that ended and is not due yet', async () => {
    await rows.wait('ended', { ended: 31, due: 31 });
    await rows.wait('ended lately', { ended: 29, due: 31 });
    await rows.wait('due later', { ended: 31, due: -10, status: 'cancelled' });
    await rows.wait('pending', { due: 400, status: 'waiting' });
    await rows.run(30);
    expect(await rows.names('waits')).toEqual(['due later', 'ended lately', 'pending']);
  });

  test('never removes a use of a limit inside its window, or of "once"', async () => {
    await rows.use('once', 'R/ever', 'ever', 4000);
    await rows.use('day', 'R/day UTC', '2020-01-01', 40);
    await rows.use('day, recent', 'R/day UTC', '2020-01-01', 29);
    await rows.use('week', `R/${7 * 86_400_000}ms`, '2020-01-01T00:00:00.000Z', 40);
    await rows.use('week, within the period', `R/${7 * 86_400_000}ms`, '2020-01-01T00:00:00.000Z', 36);
    await rows.use('year', `R/${365 * 86_400_000}ms`, '2020-01-01T00:00:00.000Z', 300);
    await rows.run(30);
    expect(await rows.names('limit_uses')).toEqual(['day, recent', 'once', 'week, within the period', 'year']);
  });

  test('drops whole months of events, and reaches the default partition', async () => {
    await rows.month(200);
    await rows.event('in an old month', 200);
    await rows.event('in the default partition', 3000);
    await rows.event('recent', 1);
    const result = await rows.run(90);
    expect(result!.months.some((name) => name.startsWith('events_'))).toBe(true);
    expect(result!.rows.events).toBe(1);
    expect(await rows.names('events')).toEqual(['recent']);
  });

  test('removes messages and attempts, and never those of a delivery that has not ended', async () => {
    await rows.month(300);
    await rows.notification('ended', 300);
    await rows.notification('open', 300, true);
    await rows.notification('ended, in the default partition', 3000);
    await rows.notification('open, in the default partition', 3000, true);
    await rows.notification('recent', 1);
    await rows.run(90);
    const left = ['open', 'open, in the default partition', 'recent'];
    for (const table of ['messages', 'attempts', 'notifications', 'deliveries'])
      expect(await rows.names(table)).toEqual(left);
  });

  test('drops a month as a whole when none of its deliveries is open', async () => {
    await rows.month(400);
    await rows.notification('ended', 400);
    const result = await rows.run(90);
    for (const table of ['messages', 'attempts', 'notifications', 'deliveries']) {
      expect(result!.months.filter((name) => name.startsWith(`${table}_`)).length).toBeGreaterThan(0);
      expect(await rows.names(table)).toEqual([]);
    }
  });

  test('counts and removes nothing as a dry run', async () => {
    await rows.eventId('old', 31);
    await rows.month(500);
    await rows.event('old', 500);
    const dry = await rows.run(30, { dryRun: true });
    expect(await rows.names('event_ids')).toEqual(['old']);
    expect(await rows.names('events')).toEqual(['old']);
    expect(await rows.run(30)).toEqual(dry);
    expect(await rows.names('events')).toEqual([]);
  });

  test('is done by one process at a time', async () => {
    await rows.eventId('old', 31);
    const results = await Promise.all([rows.run(30), rows.run(30), rows.run(30)]);
    expect(results.filter((result) => result?.rows.event_ids === 1)).toHaveLength(1);
  });

  test('is continued after the process ended in between', async () => {
    await rows.pool.query(
      `insert into event_ids (tenant_id, key, content_hash, user_id, event_time, received_at)
       select 't', gen_random_uuid(), gen_random_uuid(), 'u', now(), now() - interval '60 days' from generate_series(1, 30000)`,
    );
    const stopping = new AbortController();
    const run = rows.run(30, { signal: stopping.signal }).catch((error) => error);
    const left = async () => (await rows.pool.query('select count(*) from event_ids')).rows[0].count;
    await expect.poll(left, { interval: 1 }).toBeLessThan(30_000);
    stopping.abort();
    await run;
    const after = await left();
    const result = await rows.run(30);
    expect(await left()).toBe(0);
    // A run that ended by itself, on a fast machine, leaves nothing to continue.
    if (after > 0) expect(result!.rows.event_ids).toBeLessThanOrEqual(30_000);
  });

  test('leaves a month to the next run while a reader has it open, without stalling others', async () => {
    await rows.month(700);
    await rows.event('old', 700);
    const reader = await rows.pool.connect();
    await reader.query('begin; select from events limit 1');
    const run = rows.run(60);
    await rows.event('recent', 1);
    const result = await run;
    expect(result!.locked.length).toBeGreaterThan(0);
    await reader.query('rollback');
    reader.release();
    expect((await rows.run(60))!.locked).toEqual([]);
    expect(await rows.names('events')).toEqual(['recent']);
  });
});
