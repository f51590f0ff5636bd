import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { type InboxProcesses, useInboxProcesses } from './support/inbox-processes.ts';

/** Processes that relay facts to endpoints of webhooks, and are killed or frozen meanwhile. */

vi.setConfig({ testTimeout: 180_000 });

const LEASE_MS = 2000;
const ENDPOINTS = 250;
const FACTS = 40;
const prepare = useInboxProcesses(LEASE_MS);

let processes: InboxProcesses;

/** Adds disabled endpoints: their deliveries are made, and kept. */
async function addEndpoints(): Promise<void> {
  await processes.database.pool.query(
    `insert into webhook_endpoints (tenant_id, endpoint_id, url, event_types, sealed, state, state_code, state_changed_at, operation_id,
                                    created_at, updated_at)
     select 'default', gen_random_uuid(), 'https://example.com/', '{noted}', '', 'disabled', 'by_hand', now(), 'o' || n, now(), now()
     from generate_series(1, $1::int) as n`,
    [ENDPOINTS],
  );
}

async function count() {
  const { rows } = await processes.database.pool.query(
    `select count(*)::int as deliveries, count(distinct (notification_id, target))::int as pairs,
            (select count(*)::int from webhook_facts) as facts
     from deliveries where channel = 'webhook' and target <> ''`,
  );
  return rows[0];
}

async function postFacts(url: string): Promise<void> {
  const events = Array.from({ length: FACTS }, () => ({
    event_id: randomUUID(),
    user_id: 'ann',
    event_type: 'noted',
    event_timestamp: new Date().toISOString(),
    properties: { n: 1 },
  }));
  const headers = { 'content-type': 'application/json' };
  const { status } = await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body: JSON.stringify(events) });
  expect(status).toBe(202);
}

const ALL = { deliveries: ENDPOINTS * FACTS, pairs: ENDPOINTS * FACTS, facts: 0 };

test('of a process that is killed in the middle nothing is lost and nothing is doubled', async () => {
  processes = await prepare();
  const { url } = await processes.start('api');
  await addEndpoints();
  await postFacts(url);
  expect(await count()).toEqual({ deliveries: 0, pairs: 0, facts: FACTS });
  const { program } = await processes.start('workers');
  await expect.poll(async () => (await count()).deliveries, { timeout: 60_000, interval: 2 }).toBeGreaterThan(0);
  program.killGroup('SIGKILL');
  await program.ended;
  await processes.start('workers');
  await expect.poll(count, { timeout: 60_000 }).toEqual(ALL);
});

test('a process that is frozen in the middle, and goes on later, doubles nothing of what another one did', async () => {
  processes = await prepare();
  const { url } = await processes.start('api');
  await addEndpoints();
  await postFacts(url);
  const { program } = await processes.start('workers');
  await expect.poll(async () => (await count()).deliveries, { timeout: 60_000, interval: 2 }).toBeGreaterThan(0);
  program.kill('SIGSTOP');
  await processes.start('workers');
  await expect.poll(count, { timeout: 60_000 }).toEqual(ALL);
  program.kill('SIGCONT');
  await postFacts(url);
  await expect.poll(async () => (await count()).facts, { timeout: 60_000 }).toBe(0);
  expect(await count()).toEqual({ deliveries: 2 * ALL.deliveries, pairs: 2 * ALL.pairs, facts: 0 });
});
