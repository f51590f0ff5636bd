import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { noopProvider } from '../src/channels/noop.ts';
import type { Outgoing, Provider } from '../src/channels/provider.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { DeliveryWorker, type DeliveryWorkerOptions } from '../src/delivery/worker.ts';
import { CHANNELS, type Channel, type DeliveryStatus, type SendOutcome } from '../src/model/delivery.ts';
import { applyCatalog } from '../src/store/catalogs.ts';
import { type ClaimedDelivery, claimDeliveries, markSendStarted, retryDelivery } from '../src/store/deliveries.ts';
import { loadDelivery, loadNotifications } from '../src/store/delivery-views.ts';
import { rescueExpired } from '../src/store/leases.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { type Settlement, settleDeliveries } from '../src/store/settlements.ts';
import { loadTimeline } from '../src/store/users.ts';
import { cableTo } from './support/cable.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** From a queued delivery to what became of it, with providers that answer what each test says, in virtual time. */

const DELIVERED: SendOutcome = { kind: 'delivered' };
const LEASE = 30_000;

const CATALOG = {
  'events.yaml': 'events: { mail: {}, held: {}, text: {}, alert: {}, listed: {} }',
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email], give_up_after: 1h }
  HELD: { category: TRANSACTIONAL, channels: [email], in_doubt: hold }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  ALERT: { category: SECURITY, channels: [internal] }
  LISTED: { category: TRANSACTIONAL, channels: [email] }`,
  'rules.yaml':
    'rules: { MAIL: { on: mail }, HELD: { on: held }, TEXT: { on: text }, ALERT: { on: alert }, LISTED: { on: listed } }',
  'templates/MAIL/email.en.subject.txt': 'Number {{event.n}}',
  'templates/MAIL/email.en.txt': 'This is number {{event.n}}.',
  'templates/MAIL/email.en.html': '<p>This is number {{event.n}}.</p>',
  'templates/HELD/email.en.subject.txt': 'Held',
  'templates/HELD/email.en.txt': 'Held {{event.n}}',
  'templates/TEXT/sms.en.txt': 'Text {{event.n}}',
  'templates/LISTED/email.en.subject.txt': 'A list',
  'templates/LISTED/email.en.txt': '{{#each event.items}}{{this}} {{/each}}',
};
const EMAIL = 'maria@example.com';

describe('outcomes', () => {
  test('delivered: sent, and the attempt keeps provider, time, duration, outcome and answer', async () => {
    const tidings = await start({
      email: fake(async () => {
        tidings.clock.now += 250;
        return { kind: 'delivered', providerMessageId: 'id-1', response: '250 OK' };
      }),
    });
    await worker(tidings);
    const began = new Date(tidings.clock.now).toISOString();
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'sent');
    expect(await deliveryOf(tidings, id)).toMatchObject({
      provider: 'fake',
      provider_message_id: 'id-1',
      attempts_made: 1,
      reason_code: null,
      reason: null,
      finished_at: new Date(tidings.clock.now).toISOString(),
    });
    expect(await attemptsOf(tidings, id)).toEqual([
      {
        attempt: 1,
        provider: 'fake',
        started_at: began,
        duration_ms: 250,
        outcome: 'delivered',
        reason: null,
        response: '250 OK',
        provider_message_id: 'id-1',
      },
    ]);
  });

  test('the provider gets the address, the rendered message and the same key at each attempt', async () => {
    const provider = fake(({ attempt }) => (attempt === 1 ? { kind: 'retry', reason: 'busy' } : DELIVERED));
    const tidings = await start({ email: provider });
    await worker(tidings);
    const id = await post(tidings, 'mail', { n: 7 });
    await becomes(tidings, id, 'queued', 1);
    tidings.clock.now += 1000;
    await becomes(tidings, id, 'sent');
    const first = {
      to: EMAIL,
      channel: 'email',
      notificationType: 'MAIL',
      userId: 'u1',
      idempotencyKey: id,
      message: { subject: 'Number 7', text: 'This is number 7.', html: '<p>This is number 7.</p>' },
    };
    expect(provider.calls).toMatchObject([
      { ...first, attempt: 1 },
      { ...first, attempt: 2 },
    ]);
  });

  test('retry: queued with backoff, and sent when it is due, not before', async () => {
    const provider = fake(({ attempt }) => (attempt < 3 ? { kind: 'retry', reason: 'busy' } : DELIVERED));
    const tidings = await start({ email: provider, internal: fake() });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'queued', 1);
    // Half of 2 s: the random number of this worker is 0.5.
    expect(await deliveryOf(tidings, id)).toMatchObject({
      due_at: new Date(tidings.clock.now + 1000).toISOString(),
      reason_code: 'retrying',
      reason: 'busy',
    });
    tidings.clock.now += 999;
    await fence(tidings);
    expect(provider.calls.length).toBe(1);
    tidings.clock.now += 1;
    await becomes(tidings, id, 'queued', 2);
    expect(await deliveryOf(tidings, id)).toMatchObject({ due_at: new Date(tidings.clock.now + 2000).toISOString() });
    tidings.clock.now += 2000;
    await becomes(tidings, id, 'sent', 3);
    expect((await attemptsOf(tidings, id)).map(({ outcome }) => outcome)).toEqual(['retry', 'retry', 'delivered']);
  });

  test('Retry-After is never undercut', async () => {
    const tidings = await start({ email: fake(() => ({ kind: 'retry', reason: 'slow down', after: 90_000 })) });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'queued', 1);
    expect((await deliveryOf(tidings, id))?.due_at).toBe(new Date(tidings.clock.now + 90_000).toISOString());
  });

  test('too old to be tried again: dead', async () => {
    const tidings = await start({ email: fake(() => ({ kind: 'retry', reason: 'busy', after: 3_600_001 })) });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'dead');
    expect(await deliveryOf(tidings, id)).toMatchObject({
      reason_code: 'retries_exhausted',
      reason: 'Retries exhausted after 1 attempt. The last one failed: busy',
      finished_at: new Date(tidings.clock.now).toISOString(),
    });
  });

  test('rejected: dead', async () => {
    const tidings = await start({
      email: fake(() => ({ kind: 'rejected', reason: 'no such mailbox', response: '550 5.1.1' })),
    });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'dead');
    expect(await deliveryOf(tidings, id)).toMatchObject({
      reason_code: 'rejected',
      reason: 'Rejected: no such mailbox',
    });
  });

  test('a provider in doubt: held or sent again, as the type says', async () => {
    const provider = fake(({ attempt }) =>
      attempt === 1 ? { kind: 'in_doubt', reason: 'the line dropped' } : DELIVERED,
    );
    const tidings = await start({ email: provider });
    await worker(tidings);
    const resent = await post(tidings, 'mail');
    const held = await post(tidings, 'held');
    await becomes(tidings, resent, 'queued', 1);
    await becomes(tidings, held, 'in_doubt', 1);
    tidings.clock.now += 1000;
    await becomes(tidings, resent, 'sent', 2);
    expect((await attemptsOf(tidings, held)).map(({ outcome }) => outcome)).toEqual(['in_doubt']);
  });

  test('a provider that throws: in doubt, tried again and logged without the address, and the worker goes on', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
    const provider = fake(({ to, attempt }) => {
      if (attempt === 1) throw new TypeError(`cannot read envelope of ${to}`);
      return DELIVERED;
    });
    const tidings = await start({ email: provider });
    await worker(tidings, { log });
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'queued', 1);
    expect(await attemptsOf(tidings, id)).toMatchObject([
      { outcome: 'in_doubt', reason: 'internal error in Tidings; see its log' },
    ]);
    tidings.clock.now += 1000;
    await becomes(tidings, id, 'sent');
    expect(lines.find((line) => line.includes('an attempt failed with an internal error'))).toContain(
      'cannot read envelope',
    );
    expect(lines.join('')).not.toContain(EMAIL);
  });

  test('a provider that throws after it has sent: held in doubt where the type says so, not sent twice', async () => {
    let sent = 0;
    const provider = fake(() => {
      sent++;
      throw new TypeError('cannot read the answer');
    });
    const tidings = await start({ email: provider, internal: fake() });
    await worker(tidings);
    const id = await post(tidings, 'held');
    await becomes(tidings, id, 'in_doubt', 1);
    expect(await attemptsOf(tidings, id)).toMatchObject([
      { outcome: 'in_doubt', reason: 'internal error in Tidings; see its log' },
    ]);
    tidings.clock.now += 86_400_000;
    await fence(tidings);
    expect(sent).toBe(1);
  });

  test('what a provider says is kept short, storable and without addresses', async () => {
    const said = `550 <${EMAIL}> \0 \ud800 ${'x'.repeat(5000)}`;
    const answers: SendOutcome[] = [
      { kind: 'retry', reason: said, response: said },
      { kind: 'in_doubt', reason: said, response: said },
      { kind: 'delivered', response: said, providerMessageId: 'id\0\ud800' },
    ];
    const tidings = await start({ email: fake(({ attempt }) => answers[attempt - 1] ?? DELIVERED) });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    for (const attempt of [1, 2]) {
      await becomes(tidings, id, 'queued', attempt);
      expect((await deliveryOf(tidings, id))?.reason).not.toContain('maria');
      tidings.clock.now += 60_000;
    }
    await becomes(tidings, id, 'sent');
    for (const { reason, response } of await attemptsOf(tidings, id)) {
      for (const text of [reason, response]) {
        expect(text ?? '').not.toContain('maria');
        expect((text ?? '').length).toBeLessThanOrEqual(500);
      }
    }
  });
});

describe('a send that takes too long', () => {
  test('is aborted, also after the garbage collector has been round', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const provider = fake(
      (_outgoing, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'in_doubt', reason: 'aborted' }), { once: true });
        }),
    );
    const tidings = await start({ email: provider });
    await worker(tidings, { sendDeadline: 600 });
    const id = await post(tidings, 'held');
    await expect.poll(() => provider.calls.length).toBe(1);
    await expect
      .poll(() => {
        collect();
        return deliveryOf(tidings, id);
      })
      .toMatchObject({ status: 'in_doubt' });
    expect(await attemptsOf(tidings, id)).toMatchObject([{ outcome: 'in_doubt', reason: 'aborted' }]);
  });

  test('and does not heed its signal: it is in doubt, and its slot is free', async () => {
    let first = true;
    const provider = fake(
      () => {
        if (!first) return DELIVERED;
        first = false;
        return new Promise(() => {});
      },
      { concurrency: 1 },
    );
    const tidings = await start({ email: provider });
    const busy = await worker(tidings, { sendDeadline: 100 });
    const stuck = await post(tidings, 'held');
    await expect.poll(() => provider.calls.length).toBe(1);
    const next = await post(tidings, 'mail');
    await becomes(tidings, stuck, 'in_doubt', 1);
    await becomes(tidings, next, 'sent', 1);
    expect(await attemptsOf(tidings, stuck)).toMatchObject([
      { outcome: 'in_doubt', reason: 'the provider did not respond in time' },
    ]);
    await expect.poll(() => busy.busy).toBe(0);
  });
});

describe('an attempt that cannot be recorded', () => {
  /** Whatever it is that PostgreSQL refuses of a row. */
  async function refuse(tidings: TestTidings, table: string, check: string): Promise<() => Promise<void>> {
    const { pool } = tidings.database;
    await pool.query(`alter table ${table} add constraint never check (${check})`);
    const allow = async () => {
      await pool.query(`alter table ${table} drop constraint if exists never`);
    };
    cleanup.push(allow);
    return allow;
  }

  async function postFive(tidings: TestTidings): Promise<void> {
    const events = [0, 1, 2, 3, 4].map((n) => event('mail', { n, user: `u${n}` }));
    await tidings.pipeline.ingest(TENANT, events);
  }

  test('because the clock was set on by a month: it took as long as the column can say', async () => {
    const gate = gated();
    const tidings = await start({ email: gate.provider });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    tidings.clock.now += 30 * 86_400_000;
    gate.open();
    await becomes(tidings, id, 'sent', 1);
    expect(await attemptsOf(tidings, id)).toMatchObject([{ duration_ms: 2_147_483_647 }]);
    await becomes(tidings, await post(tidings, 'mail', { n: 2 }), 'sent', 1);
  });

  test('as it was: without its message, and the others whole', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const gate = gated({ keepsMessage: true });
    const tidings = await start({ email: gate.provider });
    await refuse(tidings, 'messages', "subject <> 'Number 3'");
    const busy = await worker(tidings, { log });
    await postFive(tidings);
    await expect.poll(() => gate.provider.calls.length).toBe(5);
    gate.open();
    await expect.poll(() => countOf(tidings, 'sent')).toBe(5);
    const { rows } = await tidings.database.pool.query('select subject from messages order by subject');
    expect(rows.map(({ subject }) => subject)).toEqual(['Number 0', 'Number 1', 'Number 2', 'Number 4']);
    await expect.poll(() => busy.busy).toBe(0);
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain('its response and message are lost');
  });

  test('at all: left to its lease, which the worker does not keep, and the others recorded', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    let refusing = true;
    const gate = gated();
    const provider = fake(async (outgoing, signal) => {
      await gate.provider.send(outgoing, signal);
      return refusing && outgoing.userId === 'u3' ? { kind: 'rejected', reason: 'no' } : DELIVERED;
    });
    const tidings = await start({ email: provider });
    const allow = await refuse(tidings, 'deliveries', "status <> 'dead'");
    // Long enough not to run out by itself; the worker looks for those that did every 1.5 s.
    const busy = await worker(tidings, { log, lease: 9000 });
    await postFive(tidings);
    await expect.poll(() => provider.calls.length).toBe(5);
    gate.open();
    await expect.poll(() => countOf(tidings, 'sent')).toBe(4);
    await expect.poll(() => busy.busy).toBe(0);
    expect(await countOf(tidings, 'sending')).toBe(1);
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain('waits for its lease to expire');
    await allow();
    refusing = false;
    // What is claimed now must not keep it: that is under another lease.
    const left = provider.calls.find(({ userId }) => userId === 'u3')?.idempotencyKey as string;
    await runOut(tidings, left);
    await becomes(tidings, await post(tidings, 'mail', { n: 5 }), 'sent', 1);
    await becomes(tidings, left, 'sent', 2);
    expect(provider.calls.length).toBe(7);
  });
});

describe('addresses', () => {
  test('without an e-mail address the decision stays send, and the delivery says what is missing', async () => {
    const tidings = await start({ email: fake(), sms: fake() });
    await worker(tidings);
    const mail = await post(tidings, 'mail', { traits: {} });
    const text = await post(tidings, 'text', { traits: {} });
    await becomes(tidings, mail, 'undeliverable');
    await becomes(tidings, text, 'undeliverable');
    expect(await deliveryOf(tidings, mail)).toMatchObject({
      reason_code: 'missing_email',
      reason:
        'No email address is known for this user: no event has set user_traits.email, or a later one has removed it.',
    });
    expect(await deliveryOf(tidings, text)).toMatchObject({
      reason_code: 'missing_phone',
      reason:
        'No phone number is known for this user: no event has set user_traits.phone, or a later one has removed it.',
    });
    expect(await attemptsOf(tidings, mail)).toMatchObject([{ outcome: 'undeliverable' }]);
    const { decisions } = await loadTimeline(tidings.database.pool, {
      tenantId: TENANT,
      userId: 'u1',
      limit: 10,
      before: null,
      only: null,
    });
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['send', 'send']);
  });

  test('known later and retried: sent', async () => {
    const provider = fake();
    const tidings = await start({ email: provider });
    await worker(tidings);
    const id = await post(tidings, 'mail', { traits: {} });
    await becomes(tidings, id, 'undeliverable');
    await tidings.pipeline.ingest(TENANT, [event('profile_changed', { traits: { email: 'late@example.com' } })]);
    expect(await retry(tidings, id)).toBe(true);
    await becomes(tidings, id, 'sent', 2);
    expect(provider.calls.map(({ to }) => to)).toEqual(['late@example.com']);
  });
});

describe('retry by hand', () => {
  test('from dead: queued with its patience anew; attempts go on; it stands among the changes', async () => {
    const provider = fake(({ attempt }) => (attempt === 1 ? { kind: 'rejected', reason: 'no' } : DELIVERED));
    const tidings = await start({ email: provider });
    const id = await post(tidings, 'mail');
    const first = await worker(tidings);
    await becomes(tidings, id, 'dead');
    await first.stop();
    tidings.clock.now += 86_400_000;
    expect(await retry(tidings, id)).toBe(true);
    expect(await deliveryOf(tidings, id)).toMatchObject({
      status: 'queued',
      reason_code: 'retried',
      reason: 'Queued again by hand.',
      finished_at: null,
      due_at: new Date(tidings.clock.now).toISOString(),
    });
    await worker(tidings);
    await becomes(tidings, id, 'sent', 2);
    expect((await attemptsOf(tidings, id)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'rejected'],
      [2, 'delivered'],
    ]);
    const { rows } = await tidings.database.pool.query(
      `select actor, action, subject from audit_log where action = $1`,
      ['delivery.retried'],
    );
    expect(rows).toEqual([{ actor: 'test', action: 'delivery.retried', subject: id }]);
  });

  test.each(['queued', 'sending', 'sent', 'cancelled'] as const)('not from %s', async (status) => {
    const tidings = await start({});
    const id = await post(tidings, 'mail');
    await force(tidings, status);
    expect(await retry(tidings, id)).toBe(false);
    expect((await deliveryOf(tidings, id))?.status).toBe(status);
  });

  test.each(['dead', 'undeliverable', 'in_doubt'] as const)('from %s', async (status) => {
    const tidings = await start({});
    const id = await post(tidings, 'mail');
    await force(tidings, status);
    expect(await retry(tidings, id)).toBe(true);
    expect((await deliveryOf(tidings, id))?.status).toBe('queued');
  });
});

describe('several workers', () => {
  test.each([2, 4])('%i of them never send one delivery twice', async (count) => {
    const provider = fake(() => new Promise((resolve) => setImmediate(() => resolve(DELIVERED))), { concurrency: 8 });
    const tidings = await start({ email: provider });
    const events = Array.from({ length: 500 }, (_, n) => event('mail', { n, user: `u${n % 50}` }));
    await tidings.pipeline.ingest(TENANT, events);
    await Promise.all(Array.from({ length: count }, () => worker(tidings)));
    await expect.poll(() => countOf(tidings, 'sent')).toBe(500);
    expect(provider.calls.length).toBe(500);
    expect(new Set(provider.calls.map((call) => call.idempotencyKey)).size).toBe(500);
  });

  test('one of them claims a long queue twice at a time, each claim under a lease of its own', async () => {
    const provider = fake(() => new Promise((resolve) => setImmediate(() => resolve(DELIVERED))), { concurrency: 8 });
    const tidings = await start({ email: provider });
    const events = Array.from({ length: 300 }, (_, n) => event('mail', { n, user: `u${n % 50}` }));
    await tidings.pipeline.ingest(TENANT, events);
    await worker(tidings, { name: 'twofold' });
    await expect.poll(() => countOf(tidings, 'sent')).toBe(300);
    expect(new Set(provider.calls.map((call) => call.idempotencyKey)).size).toBe(300);
    const { rows } = await tidings.database.pool.query('select distinct worker from deliveries order by worker');
    expect(rows.map((row) => row.worker)).toEqual(['twofold', 'twofold (2)']);
  });

  test('the oldest due goes first', async () => {
    const provider = fake(undefined, { concurrency: 1 });
    const tidings = await start({ email: provider });
    const end = tidings.clock.now;
    // Posted in the opposite order of their due times.
    for (const n of [4, 3, 2, 1, 0]) {
      tidings.clock.now = end - 10_000 + n;
      await post(tidings, 'mail', { n });
    }
    tidings.clock.now = end;
    await worker(tidings);
    await expect.poll(() => countOf(tidings, 'sent')).toBe(5);
    expect(provider.calls.map(({ message }) => message.subject)).toEqual([0, 1, 2, 3, 4].map((n) => `Number ${n}`));
  });
});

describe('a worker that dies while sending', () => {
  test('resend: an attempt in doubt, then sent again', async () => {
    const provider = fake();
    const tidings = await start({ email: provider });
    const id = await post(tidings, 'mail');
    await claim(tidings, 'ghost');
    tidings.clock.now += LEASE + 1;
    await runOut(tidings);
    await worker(tidings);
    await becomes(tidings, id, 'sent', 2);
    expect(await attemptsOf(tidings, id)).toMatchObject([
      {
        attempt: 1,
        provider: 'unknown',
        outcome: 'in_doubt',
        duration_ms: LEASE + 1,
        reason: 'the worker stopped before it could record the response of the provider',
      },
      { attempt: 2, provider: 'fake', outcome: 'delivered' },
    ]);
    expect(provider.calls.map(({ idempotencyKey, attempt }) => [idempotencyKey, attempt])).toEqual([[id, 2]]);
  });

  test('hold, handed over: held in doubt until somebody retries it', async () => {
    const provider = fake();
    const tidings = await start({ email: provider, internal: fake() });
    const id = await post(tidings, 'held');
    expect(await markSendStarted(tidings.database.pool, await claim(tidings, 'ghost'))).toBe(true);
    tidings.clock.now += LEASE + 1;
    await runOut(tidings);
    await worker(tidings);
    await becomes(tidings, id, 'in_doubt', 1);
    expect(await deliveryOf(tidings, id)).toMatchObject({
      reason_code: 'in_doubt',
      reason:
        'A worker stopped while sending: the message may have been sent. It is held, as its notification type requires. Retry it by hand.',
      finished_at: new Date(tidings.clock.now).toISOString(),
    });
    await fence(tidings);
    expect(provider.calls).toEqual([]);
    await retry(tidings, id);
    await becomes(tidings, id, 'sent', 2);
  });

  test('hold, not handed over: queued again without an attempt', async () => {
    const tidings = await start({ email: fake() });
    const id = await post(tidings, 'held');
    const lost = await claim(tidings, 'ghost');
    tidings.clock.now += LEASE + 1;
    await runOut(tidings);
    expect(await rescueExpired(tidings.database.pool, tidings.clock.now)).toBe(1);
    expect(await deliveryOf(tidings, id)).toMatchObject({ status: 'queued', attempts_made: 0, reason_code: null });
    // Should it still live: it may not begin any more.
    expect(await markSendStarted(tidings.database.pool, lost)).toBe(false);
    await worker(tidings);
    await becomes(tidings, id, 'sent', 1);
    expect((await attemptsOf(tidings, id)).map(({ outcome }) => outcome)).toEqual(['delivered']);
  });

  test('a lease that has not run out is left alone, whatever the clock of who looks says', async () => {
    const tidings = await start({});
    const id = await post(tidings, 'mail');
    await claim(tidings, 'slow');
    tidings.clock.now += 100 * LEASE;
    expect(await rescueExpired(tidings.database.pool, tidings.clock.now)).toBe(0);
    expect((await deliveryOf(tidings, id))?.status).toBe('sending');
  });
});

describe('a late settlement', () => {
  test('changes no state after another worker claimed; the attempt is kept', async () => {
    const tidings = await start({});
    const { pool } = tidings.database;
    const id = await post(tidings, 'mail');
    const old = await claim(tidings, 'ghost');
    tidings.clock.now += LEASE + 1;
    await runOut(tidings);
    await rescueExpired(pool, tidings.clock.now);
    const fresh = await claim(tidings, 'other');
    expect(fresh.fence).toBe(old.fence + 1);
    await settleDeliveries(pool, 'ghost', [settlement(old, 'sent')], tidings.clock.now);
    expect((await deliveryOf(tidings, id))?.status).toBe('sending');
    await settleDeliveries(pool, 'other', [settlement(fresh, 'dead')], tidings.clock.now);
    expect((await deliveryOf(tidings, id))?.status).toBe('dead');
    await settleDeliveries(pool, 'ghost', [settlement(old, 'sent')], tidings.clock.now);
    expect((await deliveryOf(tidings, id))?.status).toBe('dead');
    expect((await attemptsOf(tidings, id)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'delivered'],
      [2, 'rejected'],
    ]);
  });

  test.each([
    ['mail', 'queued'],
    ['held', 'in_doubt'],
  ] as const)('ends the doubt before anybody claimed it again (%s)', async (type, doubt) => {
    const tidings = await start({});
    const { pool } = tidings.database;
    const id = await post(tidings, type);
    const old = await claim(tidings, 'ghost');
    await markSendStarted(pool, old);
    tidings.clock.now += LEASE + 1;
    await runOut(tidings);
    await rescueExpired(pool, tidings.clock.now);
    expect((await deliveryOf(tidings, id))?.status).toBe(doubt);
    await settleDeliveries(pool, 'ghost', [settlement(old, 'sent')], tidings.clock.now);
    expect(await deliveryOf(tidings, id)).toMatchObject({ status: 'sent', reason_code: null });
    const settledAt = new Date(tidings.clock.now).toISOString().slice(0, 19).replace('T', ' ');
    expect(await attemptsOf(tidings, id)).toMatchObject([
      { attempt: 1, outcome: 'delivered', provider: 'fake', reason: `it was in doubt until ${settledAt} UTC` },
    ]);
  });

  test('said twice, because the answer got lost, it is recorded once', async () => {
    const tidings = await start({});
    const { pool } = tidings.database;
    const first = await post(tidings, 'mail');
    const sent = settlement(await claim(tidings, 'worker'), 'sent');
    const second = await post(tidings, 'mail', { n: 2 });
    const dead = settlement(await claim(tidings, 'worker'), 'dead');
    for (let times = 0; times < 2; times++) await settleDeliveries(pool, 'worker', [sent, dead], tidings.clock.now);
    expect((await attemptsOf(tidings, first)).map(({ outcome }) => outcome)).toEqual(['delivered']);
    expect((await attemptsOf(tidings, second)).map(({ outcome }) => outcome)).toEqual(['rejected']);
  });

  test.each([
    ['dead', 'queued'],
    ['sent', 'sent'],
  ] as const)('said twice (%s), the second time after it was queued again by hand: %s', async (said, status) => {
    const tidings = await start({});
    const { pool } = tidings.database;
    const id = await post(tidings, 'mail');
    const claimed = await claim(tidings, 'worker');
    await settleDeliveries(pool, 'worker', [settlement(claimed, 'dead')], tidings.clock.now);
    expect(await retry(tidings, id)).toBe(true);
    await settleDeliveries(pool, 'worker', [settlement(claimed, said)], tidings.clock.now);
    expect(await deliveryOf(tidings, id)).toMatchObject({
      status,
      reason_code: status === 'queued' ? 'retried' : null,
    });
  });

  test('of some that are still held and some that are not: each as it stands', async () => {
    const tidings = await start({});
    const { pool } = tidings.database;
    const lost = await post(tidings, 'mail');
    const old = await claim(tidings, 'worker');
    tidings.clock.now += LEASE + 1;
    await runOut(tidings);
    await rescueExpired(pool, tidings.clock.now);
    await claim(tidings, 'other');
    const kept = await post(tidings, 'mail', { n: 2 });
    const held = await claim(tidings, 'worker');
    await settleDeliveries(pool, 'worker', [settlement(old, 'sent'), settlement(held, 'sent')], tidings.clock.now);
    expect((await deliveryOf(tidings, lost))?.status).toBe('sending');
    expect((await attemptsOf(tidings, lost)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'delivered'],
    ]);
    expect((await deliveryOf(tidings, kept))?.status).toBe('sent');
    expect((await attemptsOf(tidings, kept)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'delivered'],
    ]);
  });
});

describe('leases', () => {
  test('a claim whose answer was lost is not kept alive by the worker that made it', async () => {
    const gate = gated();
    const tidings = await start({ email: gate.provider });
    const { pool } = tidings.database;
    const lost = await post(tidings, 'mail');
    // The claim is made; what comes back is an error.
    let failing = true;
    const broken = new Proxy(pool, {
      get: (target, name) =>
        name === 'query'
          ? async (query: { name?: string }) => {
              const result = await target.query(query as never);
              if (query.name !== 'claim-deliveries' || !failing) return result;
              failing = false;
              throw new Error('Connection terminated unexpectedly');
            }
          : Reflect.get(target, name, target),
    });
    const busy = await worker(tidings, { pool: broken, lease: 6000 });
    await expect.poll(() => failing).toBe(false);
    const next = await post(tidings, 'mail', { n: 2 });
    await expect.poll(() => gate.provider.calls.map((call) => call.idempotencyKey)).toEqual([next]);
    expect(busy.busy).toBe(1);
    const [kept, given] = [await leaseOf(tidings, next), await leaseOf(tidings, lost)];
    await expect.poll(() => leaseOf(tidings, next)).toBeGreaterThan(kept as number);
    expect(await leaseOf(tidings, lost)).toBe(given);
    await runOut(tidings, lost);
    await expect.poll(() => gate.provider.calls.map((call) => call.idempotencyKey)).toEqual([next, lost]);
    gate.open();
    await becomes(tidings, lost, 'sent', 2);
    await becomes(tidings, next, 'sent', 1);
  });

  test('the heartbeat keeps the lease of a long send', async () => {
    const gate = gated();
    const tidings = await start({ email: gate.provider });
    await worker(tidings, { lease: 1500 });
    const id = await post(tidings, 'mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    for (let beat = 0; beat < 3; beat++) {
      const before = (await leaseOf(tidings, id)) as number;
      await expect.poll(() => leaseOf(tidings, id)).toBeGreaterThan(before);
    }
    gate.open();
    await becomes(tidings, id, 'sent', 1);
    expect(gate.provider.calls.length).toBe(1);
  });

  test('a worker whose clock is an hour fast does not take over what another one is sending', async () => {
    const gate = gated();
    const tidings = await start({ email: gate.provider });
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    // Its start looks for leases that have run out.
    await worker(tidings, { clock: () => tidings.clock.now + 3_600_000 });
    expect((await deliveryOf(tidings, id))?.status).toBe('sending');
    gate.open();
    await becomes(tidings, id, 'sent', 1);
    expect(gate.provider.calls.length).toBe(1);
  });

  test('shutdown lets the send end and gives back what was not begun', async () => {
    const gate = gated({ concurrency: 1 });
    const tidings = await start({ email: gate.provider });
    await tidings.pipeline.ingest(
      TENANT,
      [0, 1, 2, 3, 4].map((n) => event('mail', { n })),
    );
    const stopping = await worker(tidings);
    await expect.poll(() => [gate.provider.calls.length, stopping.busy]).toEqual([1, 5]);
    const stopped = stopping.stop();
    await expect.poll(() => countOf(tidings, 'queued')).toBe(4);
    const { rows } = await tidings.database.pool.query('select sum(attempts)::int as attempts from deliveries');
    expect(rows).toEqual([{ attempts: 1 }]);
    gate.open();
    await stopped;
    expect(await countOf(tidings, 'sent')).toBe(1);
    expect(gate.provider.calls.length).toBe(1);
  });

  test('a send that does not end in time is aborted, and its doubt recorded', async () => {
    const provider = fake(
      (_outgoing, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'in_doubt', reason: 'aborted' }));
        }),
    );
    const tidings = await start({ email: provider });
    const stopping = await worker(tidings);
    const id = await post(tidings, 'held');
    await expect.poll(() => provider.calls.length).toBe(1);
    await stopping.stop(0);
    expect(await deliveryOf(tidings, id)).toMatchObject({ status: 'in_doubt', reason_code: 'in_doubt' });
  });
});

describe('the breaker', () => {
  test('after 20 failures nothing is claimed, other channels go on, one tries, its success closes', async () => {
    let answer: Answer = () => ({ kind: 'retry', reason: 'down' });
    const provider = fake((...call) => answer(...call));
    const tidings = await start({ email: provider, internal: fake() });
    const busy = await worker(tidings);
    await tidings.pipeline.ingest(
      TENANT,
      Array.from({ length: 20 }, (_, n) => event('mail', { n })),
    );
    await expect.poll(() => busy.unhealthyProviders()).toEqual(['fake']);
    await expect.poll(() => busy.busy).toBe(0);

    const waiting = await post(tidings, 'mail', { n: 20 });
    await fence(tidings);
    expect(provider.calls.length).toBe(20);
    expect(await deliveryOf(tidings, waiting)).toMatchObject({ status: 'queued', attempts_made: 0 });

    let end = () => {};
    answer = () => {
      answer = () => DELIVERED;
      return new Promise((resolve) => {
        end = () => resolve(DELIVERED);
      });
    };
    tidings.clock.now += 2000;
    await expect.poll(() => provider.calls.length).toBe(21);
    await fence(tidings);
    expect(provider.calls.length).toBe(21);
    expect(provider.calls.at(-1)?.idempotencyKey).toBe(waiting);
    end();
    await expect.poll(() => countOf(tidings, 'sent')).toBe(23);
    expect(busy.unhealthyProviders()).toEqual([]);
  });

  test('its pause does not go by a clock that is set', async () => {
    let answer: SendOutcome = { kind: 'retry', reason: 'down' };
    let elapsed = 1;
    const tidings = await start({ email: fake(() => answer) });
    const busy = await worker(tidings, { elapsed: () => elapsed });
    await tidings.pipeline.ingest(
      TENANT,
      Array.from({ length: 20 }, (_, n) => event('mail', { n })),
    );
    await expect.poll(() => busy.unhealthyProviders()).toEqual(['fake']);
    answer = DELIVERED;
    tidings.clock.now -= 3_600_000;
    const waiting = await post(tidings, 'mail', { n: 20 });
    elapsed += 2000;
    await becomes(tidings, waiting, 'sent', 1);
    expect(busy.unhealthyProviders()).toEqual([]);
  });

  test('only the provider opens and closes it: a missing address says nothing about it', async () => {
    const provider = fake(() => ({ kind: 'retry', reason: 'down' }));
    const tidings = await start({ email: provider });
    const busy = await worker(tidings);
    for (let n = 0; n < 20; n++) {
      await post(tidings, 'mail', { n });
      await post(tidings, 'mail', { n, user: 'nowhere', traits: {} });
      await expect.poll(() => busy.busy).toBe(0);
    }
    await expect.poll(() => provider.calls.length).toBe(20);
    expect(busy.unhealthyProviders()).toEqual(['fake']);
  });

  test('addresses that cannot be opened do not stop the others', async () => {
    const provider = fake();
    const tidings = await start({ email: provider });
    const traits = { email: EMAIL };
    const events = Array.from({ length: 25 }, (_, n) => event('mail', { n, user: `lost_${n}`, traits }));
    await tidings.pipeline.ingest(TENANT, events);
    await tidings.database.pool.query('update addresses set sealed = sha256(sealed)');
    const busy = await worker(tidings);
    const id = await post(tidings, 'mail', { n: 26, user: 'reachable', traits });
    await becomes(tidings, id, 'sent');
    await expect.poll(() => busy.busy).toBe(0);
    expect(busy.unhealthyProviders()).toEqual([]);
    expect(provider.calls.length).toBe(1);
    const { rows } = await tidings.database.pool.query('select distinct outcome, reason from attempts');
    expect(rows).toEqual([{ outcome: 'retry', reason: 'the email address cannot be opened with the current key' }]);
  });
});

describe('wake-up', () => {
  test('NOTIFY wakes at once: the poll is a minute away', async () => {
    const tidings = await start({ email: fake() });
    await worker(tidings, { poll: 60_000 });
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'sent');
    // A retry by hand announces itself too.
    await force(tidings, 'dead');
    await retry(tidings, id);
    await becomes(tidings, id, 'sent', 2);
  });

  test('the poll works without NOTIFY', async () => {
    const tidings = await start({ email: fake() });
    await worker(tidings, { databaseUrl: 'postgres://127.0.0.1:1/nobody' });
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'sent');
  });
});

describe('the database goes away', () => {
  test('connections that were cut are made anew, and the wake-up with them', async () => {
    const tidings = await start({ email: fake() });
    await worker(tidings);
    const before = await post(tidings, 'mail');
    await becomes(tidings, before, 'sent');
    await tidings.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await expect.poll(() => listeners(tidings)).toBe(1);
    const after = await post(tidings, 'mail', { n: 2 });
    await becomes(tidings, after, 'sent');
  });

  test('what was sent meanwhile is recorded once it is back, and sent once', async () => {
    const gate = gated();
    const tidings = await start({ email: gate.provider });
    const cable = await cableTo(tidings.database.url);
    const pool = openPool(cable.url, { max: 4, name: 'worker' });
    const worked = await worker(tidings, { pool, databaseUrl: cable.url });
    const id = await post(tidings, 'mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    cable.cut();
    gate.open();
    await expect(pool.query('select 1')).rejects.toThrow();
    expect((await deliveryOf(tidings, id))?.status).toBe('sending');
    await cable.mend();
    await becomes(tidings, id, 'sent', 1);
    const next = await post(tidings, 'mail', { n: 2 });
    await becomes(tidings, next, 'sent', 1);
    expect(gate.provider.calls.length).toBe(2);
    await worked.stop();
    await pool.end();
    cable.cut();
  });
});

describe('messages', () => {
  test('go out by every channel of their type, or by those of them that the rule names', async () => {
    const tidings = await start({});
    const { 'events.yaml': types } = CATALOG;
    await tidings.apply(
      new Map([
        ['events.yaml', types],
        ['notifications.yaml', 'notifications: { BOTH: { category: SECURITY, channels: [sms, internal] } }'],
        [
          'rules.yaml',
          'rules: { ALL: { on: mail, notify: BOTH }, ONE: { on: text, notify: BOTH, channels: internal } }',
        ],
        ['templates/BOTH/sms.en.txt', 'Both'],
      ]),
    );
    await tidings.pipeline.ingest(TENANT, [event('mail', { user: 'all' }), event('text', { user: 'one' })]);
    const { rows } = await tidings.database.pool.query(
      'select user_id, channel from deliveries order by user_id, channel',
    );
    expect(rows.map(({ user_id, channel }) => `${user_id} ${channel}`)).toEqual([
      'all internal',
      'all sms',
      'one internal',
    ]);
  });

  test('a template that fails: dead, and the mended one is sent on retry, by a process that never saw the catalog', async () => {
    const provider = fake();
    const tidings = await start({ email: provider });
    await worker(tidings);
    const id = await post(tidings, 'listed', { items: Array.from({ length: 1001 }, (_, n) => n) });
    await becomes(tidings, id, 'dead');
    const broken = await deliveryOf(tidings, id);
    expect(broken?.reason_code).toBe('rejected');
    expect(broken?.reason).toMatch(/^Rejected: the template failed: The text part of LISTED cannot be rendered: .+\.$/);
    expect(provider.calls).toEqual([]);

    const other = await tidings.catalogs.getActive(TENANT);
    await tidings.apply(catalog({ 'templates/LISTED/email.en.txt': '{{event.items.length}} items' }));
    await tidings.catalogs.setActive(TENANT, other.version);
    await retry(tidings, id);
    await becomes(tidings, id, 'sent', 2);
    expect(provider.calls.map(({ message }) => message.text)).toEqual(['1001 items']);
  });

  test('a notification type that the catalog has dropped is sent with the words it was decided with', async () => {
    const provider = fake();
    const tidings = await start({ email: provider });
    const id = await post(tidings, 'mail', { n: 5 });
    await tidings.apply(
      new Map([
        ['events.yaml', 'events: { mail: {} }'],
        ['notifications.yaml', 'notifications: { ALERT: { category: SECURITY, channels: [internal] } }'],
        ['rules.yaml', 'rules: { ALERT: { on: mail } }'],
      ]),
    );
    await worker(tidings);
    await becomes(tidings, id, 'sent');
    expect(provider.calls[0]?.message.text).toBe('This is number 5.');
  });

  test('a type that has moved to another channel is sent with the words it was decided with', async () => {
    const provider = fake();
    const tidings = await start({ email: provider });
    const id = await post(tidings, 'mail', { n: 5 });
    const moved = catalog({
      'notifications.yaml': CATALOG['notifications.yaml'].replace(
        'MAIL: { category: TRANSACTIONAL, channels: [email]',
        'MAIL: { category: TRANSACTIONAL, channels: [sms]',
      ),
      'templates/MAIL/sms.en.txt': 'Text {{event.n}}',
    });
    for (const file of moved.keys()) if (file.startsWith('templates/MAIL/email.')) moved.delete(file);
    await tidings.apply(moved);
    await worker(tidings);
    await becomes(tidings, id, 'sent');
    expect(provider.calls[0]?.message).toMatchObject({ subject: 'Number 5', text: 'This is number 5.' });
  });

  test('without a template an alert goes out as it is, and all else ends until there is one', async () => {
    const provider = fake();
    const tidings = await start({ email: provider, internal: fake() });
    const data = await validateCatalogFiles(catalog());
    const { version } = await applyCatalog(tidings.database.pool, TENANT, { ...data, templates: [] }, 'test', 0);
    await tidings.catalogs.setActive(TENANT, version);
    await worker(tidings);
    const id = await post(tidings, 'mail');
    await becomes(tidings, id, 'dead');
    expect((await deliveryOf(tidings, id))?.reason).toBe(
      'Rejected: MAIL has no email template, neither in the active catalog nor in the one it was decided with',
    );
    await fence(tidings);
    expect(provider.calls).toEqual([]);
    await tidings.apply(catalog());
    await retry(tidings, id);
    await becomes(tidings, id, 'sent', 2);
  });

  test('the message is kept as it was sent, where the provider keeps messages', async () => {
    const tidings = await start({ email: sandboxProvider(['email']), internal: noopProvider(['internal']) });
    await worker(tidings);
    const kept = await post(tidings, 'mail', { n: 1 });
    const bare = await post(tidings, 'alert');
    await becomes(tidings, kept, 'sent');
    await becomes(tidings, bare, 'sent');
    const { rows } = await tidings.database.pool.query('select channel, to_mask, subject, text, html from messages');
    expect(rows).toEqual([
      {
        channel: 'email',
        to_mask: 'm…@example.com',
        subject: 'Number 1',
        text: 'This is number 1.',
        html: '<p>This is number 1.</p>',
      },
    ]);
    expect((await deliveryOf(tidings, kept))?.has_message).toBe(true);
    expect((await deliveryOf(tidings, bare))?.has_message).toBe(false);
  });
});

// ---------------------------------------------------------------------------------------------------------------------

const cleanup: (() => Promise<void>)[] = [];
let shared: TestTidings;

beforeAll(async () => {
  shared = await testTidings({}, catalog());
});

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

afterAll(() => shared.close());

const TABLES = [
  'events',
  'event_ids',
  'users',
  'addresses',
  'notifications',
  'deliveries',
  'leases',
  'attempts',
  'messages',
  'audit_log',
];

/** An empty database, the catalog above, and these providers. */
async function start(providers: { readonly [channel in Channel]?: Provider }): Promise<TestTidings> {
  await shared.database.pool.query(TABLES.map((table) => `delete from ${table};`).join(' '));
  await shared.apply(catalog());
  shared.clock.now = Date.parse('2025-11-20T12:00:00Z');
  shared.providers.clear();
  for (const channel of CHANNELS) {
    const provider = providers[channel];
    if (provider) shared.providers.set(channel, provider);
  }
  return shared;
}

function catalog(changed: { readonly [file: string]: string } = {}): Map<string, string> {
  return new Map(Object.entries({ ...CATALOG, ...changed }));
}

let workers = 0;

/** Looks every 20 ms, so that virtual time that was moved on is noticed. */
async function worker(tidings: TestTidings, more: Partial<DeliveryWorkerOptions> = {}): Promise<DeliveryWorker> {
  const { database, catalogs, seal, providers, clock } = tidings;
  const made = new DeliveryWorker({
    name: `worker ${workers++}`,
    pool: database.pool,
    databaseUrl: database.url,
    catalogs,
    seal,
    providers,
    clock: () => clock.now,
    elapsed: () => clock.now,
    random: () => 0.5,
    log: silent,
    poll: 20,
    ...more,
  });
  cleanup.push(() => made.stop(0));
  await made.start();
  return made;
}

interface Fake extends Provider {
  readonly calls: Outgoing[];
}

type Answer = (outgoing: Outgoing, signal: AbortSignal) => SendOutcome | Promise<SendOutcome>;

/** A provider whose outcome is what the test says; remembers what it was given. */
function fake(answer: Answer = () => DELIVERED, more: Partial<Provider> = {}): Fake {
  const calls: Outgoing[] = [];
  return {
    name: 'fake',
    channels: [],
    concurrency: 100,
    keepsMessage: false,
    async send(outgoing, signal) {
      calls.push(outgoing);
      return answer(outgoing, signal);
    },
    close: async () => {},
    ...more,
    calls,
  };
}

/** A provider that answers no call before `open`. */
function gated(more: Partial<Provider> = {}): { provider: Fake; open: () => void } {
  let open = () => {};
  const opened = new Promise<SendOutcome>((resolve) => {
    open = () => resolve(DELIVERED);
  });
  return { provider: fake(() => opened, more), open };
}

function event(
  type: string,
  {
    user = 'u1',
    traits = { email: EMAIL },
    ...properties
  }: { user?: string; traits?: object; [name: string]: unknown } = {},
) {
  return {
    event_id: `event ${events++}`,
    user_id: user,
    event_type: type,
    event_timestamp: '2025-11-20T11:59:00Z',
    properties,
    user_traits: traits,
  };
}

let events = 0;

/** Posts one event; the id of the one delivery it makes. */
async function post(tidings: TestTidings, type: string, more?: Parameters<typeof event>[1]): Promise<string> {
  const [result] = await tidings.pipeline.ingest(TENANT, [event(type, more)]);
  const notificationId = result?.decisions[0]?.notification_id;
  const channel = { mail: 'email', held: 'email', listed: 'email', text: 'sms', alert: 'internal' }[type];
  return `${notificationId}.${channel}`;
}

/** An alert that went out: the worker has looked at every channel since. */
async function fence(tidings: TestTidings): Promise<void> {
  await becomes(tidings, await post(tidings, 'alert'), 'sent');
}

function deliveryOf(tidings: TestTidings, id: string) {
  return loadDelivery(tidings.database.pool, TENANT, idOf(id));
}

async function attemptsOf(tidings: TestTidings, id: string) {
  const { notificationId } = idOf(id);
  const { pool } = tidings.database;
  const delivery = await deliveryOf(tidings, id);
  const [notification] = await loadNotifications(pool, TENANT, delivery?.user_id ?? '', [notificationId]);
  return notification?.deliveries[0]?.attempts ?? [];
}

async function becomes(tidings: TestTidings, id: string, status: DeliveryStatus, attempts?: number): Promise<void> {
  await expect
    .poll(() => deliveryOf(tidings, id))
    .toMatchObject({ status, ...(attempts === undefined ? {} : { attempts_made: attempts }) });
}

function retry(tidings: TestTidings, id: string): Promise<boolean> {
  return retryDelivery(tidings.database.pool, TENANT, idOf(id), 'test', tidings.clock.now, 3_600_000);
}

function idOf(id: string) {
  const [notificationId, channel] = id.split('.') as [string, string];
  return { notificationId, channel };
}

async function countOf(tidings: TestTidings, status: DeliveryStatus): Promise<number> {
  const { rows } = await tidings.database.pool.query<{ count: number }>(
    'select count(*) as count from deliveries where status = $1',
    [status],
  );
  return rows[0]?.count ?? 0;
}

/** Puts the only delivery into a state. */
async function force(tidings: TestTidings, status: DeliveryStatus): Promise<void> {
  await tidings.database.pool.query(
    `update deliveries set status = $1, worker = 'nobody', started_at = null, duration_ms = null,
       finished_at = case when $1 not in ('queued', 'sending') then now() end`,
    [status],
  );
}

/** A claim as a worker makes it, of the only e-mail that is due. */
async function claim(tidings: TestTidings, name: string): Promise<ClaimedDelivery> {
  const capacity = [{ channel: 'email', count: 10 }] as const;
  const claimed = await claimDeliveries(tidings.database.pool, name, capacity, tidings.clock.now, LEASE);
  expect(claimed.length).toBe(1);
  return claimed[0] as ClaimedDelivery;
}

function settlement(claimed: ClaimedDelivery, status: 'sent' | 'dead'): Settlement {
  const { handle, tenantId, notificationId, channel, fence, attempt } = claimed;
  return {
    handle,
    tenantId,
    notificationId,
    channel,
    fence,
    status,
    dueAt: null,
    reasonCode: status === 'dead' ? 'rejected' : null,
    reason: null,
    attempt: {
      n: attempt,
      provider: 'fake',
      startedAt: 0,
      durationMs: 1,
      outcome: status === 'sent' ? 'delivered' : 'rejected',
      reason: null,
      response: null,
      providerMessageId: null,
    },
    message: null,
  };
}

async function leaseOf(tidings: TestTidings, id: string): Promise<number | undefined> {
  const { notificationId, channel } = idOf(id);
  const { rows } = await tidings.database.pool.query<{ lease_until: number }>(
    `select lease_until from leases join deliveries using (worker)
     where notification_id = $1 and channel = $2 and status = 'sending'`,
    [notificationId, channel],
  );
  return rows[0]?.lease_until;
}

/** The leases of these deliveries, or all, as they are when nobody has renewed them for their time. */
async function runOut(tidings: TestTidings, id?: string): Promise<void> {
  await tidings.database.pool.query(
    `update leases set lease_until = clock_timestamp() - interval '1 ms'
     where $1::uuid is null or worker in (select worker from deliveries where notification_id = $1)`,
    [id === undefined ? null : idOf(id).notificationId],
  );
}

async function listeners(tidings: TestTidings): Promise<number> {
  const { rows } = await tidings.database.pool.query<{ count: number }>(
    `select count(*) as count from pg_stat_activity
     where datname = current_database() and application_name = 'tidings wake-up' and query like 'listen%'`,
  );
  return rows[0]?.count ?? 0;
}
