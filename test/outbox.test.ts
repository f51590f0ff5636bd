import { beforeEach, describe, expect, test } from 'vitest';
import { enqueueOutbox } from '../src/store/outbox.ts';
import { useDatabase } from './support/database.ts';
import { claimInApp } from './support/settle.ts';
import { TENANT } from './support/tidings.ts';
import { useTimerWorkers } from './support/timer-workers.ts';
import { HOUR, useTimedTidings } from './support/timers.ts';
import { NOW } from './support/waits.ts';

/** Events about the outcomes of notifications, from the outbox into the pipeline. */

describe('the timer worker', () => {
  const database = useDatabase();
  const setUp = useTimerWorkers(database);
  beforeEach(async () => {
    await database().pool.query('truncate outbox_events');
  });
  const entry = (n: number) => ({
    tenantId: TENANT,
    userId: 'u',
    eventId: `notification.failed ${n}.email`,
    event: { event_id: `notification.failed ${n}.email`, event_type: 'notification.failed', user_id: 'u' },
  });
  const countEntries = async () => (await database().pool.query('select from outbox_events')).rowCount;

  test('ingests the events of the outbox when it is notified, and deletes them', async () => {
    const { pipeline, run } = setUp({ poll: 3_600_000 });
    await run();
    await enqueueOutbox(database().pool, [entry(1), entry(2)], NOW);
    await pipeline.until(async () => (await countEntries()) === 0);
    expect(pipeline.ingested).toEqual([entry(1).event, entry(2).event]);
  });

  test('ingests an event that was enqueued twice once, and later if the pipeline is overloaded', async () => {
    await enqueueOutbox(database().pool, [entry(1)], NOW);
    await enqueueOutbox(database().pool, [entry(1)], NOW + 1);
    const { pipeline, run, clock } = setUp();
    pipeline.isBusy = true;
    await run();
    await pipeline.until(() => pipeline.timesRejected > 0);
    expect(await countEntries()).toBe(1);
    pipeline.isBusy = false;
    clock.now += 60_001;
    await pipeline.until(async () => (await countEntries()) === 0);
    expect(pipeline.ingested).toEqual([entry(1).event]);
  });
});

describe('the outcome of a notification', () => {
  const start = useTimedTidings();

  test('becomes one event, written by the worker that holds the delivery', async () => {
    const tidings = await start('R: { on: began }\n  AFTER: { on: { notification: R, is: [delivered, failed] } }');
    const { clock } = tidings;
    await tidings.post({ user: 'u', type: 'began' });
    const lost = await claimInApp(tidings, 'lost');
    await tidings.rows("update leases set lease_until = clock_timestamp() - interval '1 s'");
    await lost.rescue();
    clock.now += HOUR;
    const held = await claimInApp(tidings, 'other');
    await lost.settle(lost.failed());
    expect(await tidings.count('outbox_events')).toBe(0);
    // The response to the first try was lost.
    const settlement = held.delivered();
    await held.settle(settlement);
    clock.now += 1;
    await held.settle(settlement);
    expect(await tidings.count('outbox_events')).toBe(1);
    await tidings.timers();
    await expect.poll(() => tidings.sentTo('AFTER')).toEqual(['u']);
    await expect.poll(() => tidings.count('outbox_events')).toBe(0);
    // Written once more after it was ingested: the same event again.
    await held.settle(settlement);
    await expect.poll(() => tidings.count('outbox_events')).toBe(0);
    expect(await tidings.sentTo('AFTER')).toEqual(['u']);
    expect(await tidings.count('rejected_events')).toBe(0);
  });

  test('becomes one event if an earlier attempt turns out to have sent it, while a later one is under way', async () => {
    const tidings = await start('R: { on: began }\n  AFTER: { on: { notification: R, is: [delivered, failed] } }');
    await tidings.post({ user: 'u', type: 'began' });
    const lost = await claimInApp(tidings, 'lost');
    await tidings.rows("update leases set lease_until = clock_timestamp() - interval '1 s'");
    await lost.rescue();
    tidings.clock.now += HOUR;
    const held = await claimInApp(tidings, 'other');
    await lost.settle(lost.delivered());
    expect(await tidings.count('outbox_events')).toBe(1);
    await held.settle(held.failed());
    await held.settle(held.delivered());
    expect(await tidings.count('outbox_events')).toBe(1);
    await tidings.timers();
    await expect.poll(() => tidings.sentTo('AFTER')).toEqual(['u']);
  });
});
