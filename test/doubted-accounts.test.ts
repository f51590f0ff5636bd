import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DeliveryProcesses, useDeliveryProcesses } from './support/delivery-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

/** A process that is lost while it sends by the spare account of a route: the account of the installation here. */

vi.setConfig({ testTimeout: 120_000 });

const EMAILS = 10;
const LEASE_MS = 2000;
const ROUTES = { 'routes.yaml': 'routes: { email: [{ account: main }, { account: installation, tier: 2 }] }' };

const prepare = useDeliveryProcesses();
let sink: MailSink;
let processes: DeliveryProcesses;
let release: () => void;

beforeEach(async () => {
  sink = await mailSink();
  release = sink.hold();
  processes = await prepare(sink, LEASE_MS, ROUTES);
});

afterEach(async () => {
  release();
  await sink.close();
});

/** Starts a process whose sends by the spare account are under way, and forgets that messages were moved to it. */
async function startSends(type: 'mail' | 'held') {
  const { program, url } = await processes.start('start');
  const account = { account: 'main', provider: 'sendgrid', settings: { api_key: 'SG.key', from: 'a@acme.example' } };
  const response = await fetch(`${url}/api/v1/provider-accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  });
  expect(response.status).toBe(201);
  // A hundredth stays: the others go by the spare account.
  await query(`insert into route_moves (tenant_id, channel, account, share, since, moved_at, cause)
               values ('default', 'email', 'main', 1, now(), now(), 'the service is down')`);
  await processes.postEmails(url, type, EMAILS);
  await expect.poll(() => sink.mails.length, { timeout: 30_000 }).toBeGreaterThan(2);
  await query('delete from route_moves');
  return { program, ids: [...new Set(sink.mails.map(({ messageId }) => messageId.slice(0, 36)))] };
}

async function query(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await processes.database.pool.query(sql, values)).rows;
}

/** Returns the accounts and outcomes of all attempts of these notifications, each once. */
const listAttempts = (ids: readonly string[]) =>
  query(
    `select distinct provider, account, outcome from all_attempts()
     where notification_id = any($1) and outcome in ('sent', 'in_doubt') order by outcome`,
    [ids],
  );

const countOpen = async (ids: readonly string[]) =>
  (await query(`select from deliveries where notification_id = any($1) and finished_at is null`, [ids])).length;

describe.each(['SIGKILL', 'SIGSTOP'] as const)('after %s', (signal) => {
  test('what was in doubt goes by the same account again, and its attempts name it', async () => {
    const { program, ids } = await startSends('mail');
    program.kill(signal);
    release();
    await processes.start('workers');
    await expect.poll(() => countOpen(ids), { timeout: 60_000 }).toBe(0);
    expect(await listAttempts(ids)).toEqual([
      { provider: 'smtp', account: null, outcome: 'in_doubt' },
      { provider: 'smtp', account: null, outcome: 'sent' },
    ]);
    program.kill('SIGCONT');
    if (signal === 'SIGSTOP') await pause(LEASE_MS);
    expect((await listAttempts(ids)).map(({ provider }) => provider)).not.toContain('sendgrid');
  });

  test('what is held in doubt names the account that may have sent it', async () => {
    const { program, ids } = await startSends('held');
    program.kill(signal);
    release();
    await processes.start('workers');
    await expect.poll(() => countOpen(ids), { timeout: 60_000 }).toBe(0);
    expect(await listAttempts(ids)).toEqual([{ provider: 'smtp', account: null, outcome: 'in_doubt' }]);
    expect(
      await query('select distinct status, provider from deliveries where notification_id = any($1)', [ids]),
    ).toEqual([{ status: 'in_doubt', provider: 'smtp' }]);
    program.kill('SIGKILL');
  });
});
