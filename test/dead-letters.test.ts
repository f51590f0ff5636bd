import { expect, test } from 'vitest';
import { useDeadLetters } from './support/dead-letters.ts';
import { fakeProvider } from './support/providers.ts';

const start = useDeadLetters();
const REJECTED = {
  kind: 'rejected',
  code: 'MessageRejected',
  reason: 'SES rejected the content of the message',
} as const;

test('dead letters are grouped by channel, provider, account, reason and code, with count, times and a sample', async () => {
  const ses = fakeProvider(() => REJECTED, { name: 'ses', account: 'main' });
  const tidings = await start({ email: ses });
  await tidings.worker();
  const ids: string[] = [];
  for (const n of [1, 2, 3, 4]) {
    const id = await tidings.post('mail', { user: `u${n}`, n });
    await tidings.becomes(id, 'dead');
    ids.push(id);
    tidings.clock.now += 60_000;
  }
  expect(await tidings.groups()).toEqual([
    {
      group: 'message:email:ses:main:rejected:MessageRejected',
      fault: 'message',
      channel: 'email',
      provider: 'ses',
      account: 'main',
      reason_code: 'rejected',
      code: 'MessageRejected',
      meaning: 'SES rejected the content of the message',
      advice: expect.stringMatching(/^Correct the template or the data/),
      can_retry: true,
      count: 4,
      at_least: false,
      users: 4,
      users_at_least: false,
      first_at: '2025-11-20T12:00:00.000Z',
      last_at: '2025-11-20T12:03:00.000Z',
      sample: [3, 2, 1].map((n) =>
        expect.objectContaining({
          delivery_id: ids[n],
          user_id: `u${n + 1}`,
          notification_type: 'MAIL',
          status: 'dead',
        }),
      ),
    },
  ]);
});

test('a group shows its dead letters page by page, the latest first', async () => {
  const tidings = await start({ email: fakeProvider(() => REJECTED) });
  await tidings.worker();
  const ids: string[] = [];
  for (const n of [1, 2, 3]) {
    ids.unshift(await tidings.post('mail', { user: `u${n}` }));
    await tidings.becomes(ids[0] ?? '', 'dead');
    tidings.clock.now += 1000;
  }
  const [{ group }] = await tidings.groups();
  const path = `/api/v1/dead-letters/${encodeURIComponent(group)}`;
  const first = (await tidings.server.get(`${path}?limit=2`)).body;
  expect(first.group.count).toBe(3);
  const rest = (await tidings.server.get(`${path}?limit=2&after=${encodeURIComponent(first.next)}`)).body;
  expect([...first.deliveries, ...rest.deliveries].map(({ delivery_id }) => delivery_id)).toEqual(ids);
  expect(rest.next).toBeNull();
  const unknown = await tidings.server.get('/api/v1/dead-letters/us:email:x::rejected:');
  expect(unknown).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect((await tidings.server.get('/api/v1/dead-letters/nonsense')).status).toBe(404);
});

test('the list goes on page by page, and a filter leaves only groups of one fault', async () => {
  const codes = ['21211', '21617', '20003'];
  const kinds = { '21211': 'address_dead', '21617': 'rejected', '20003': 'rejected' } as const;
  const fault = { '21211': undefined, '21617': undefined, '20003': 'account' } as const;
  const tidings = await start({
    sms: fakeProvider(
      ({ attempt, userId }) => {
        const code = userId as keyof typeof kinds;
        return { kind: kinds[code], code, reason: `no ${attempt}`, ...(fault[code] ? { fault: fault[code] } : {}) };
      },
      { name: 'twilio' },
    ),
  });
  await tidings.worker();
  for (const [n, code] of codes.entries()) {
    await tidings.becomes(await tidings.post('text', { user: code, traits: { phone: `+35191234567${n}` } }), 'dead');
  }
  const groups = await tidings.groups();
  expect(groups.map(({ fault, code }: { fault: string; code: string }) => [fault, code])).toEqual([
    ['account', '20003'],
    ['message', '21617'],
    ['recipient', '21211'],
  ]);
  const first = (await tidings.server.get('/api/v1/dead-letters?limit=2')).body;
  const rest = (await tidings.server.get(`/api/v1/dead-letters?limit=2&after=${encodeURIComponent(first.next)}`)).body;
  expect([...first.groups, ...rest.groups]).toEqual(groups);
  expect(await tidings.groups('?fault=message')).toEqual([groups[1]]);
  expect(await tidings.groups('?fault=us')).toEqual([]);
});

test('a delivery for which no address is known is a dead letter of its recipient, and none once the address is known', async () => {
  const tidings = await start({ email: fakeProvider() });
  await tidings.worker();
  const id = await tidings.post('mail', { traits: {} });
  await tidings.becomes(id, 'undeliverable');
  expect(await tidings.groups()).toMatchObject([
    {
      fault: 'recipient',
      reason_code: 'missing_email',
      advice: expect.stringContaining('user_traits.email'),
      count: 1,
    },
  ]);
  await tidings.post('text', { traits: { email: 'maria@example.com' } });
  await tidings.becomes(id, 'sent');
  expect(await tidings.groups()).toEqual([]);
});

test('what is sent, queued, suppressed or cancelled by hand is no dead letter', async () => {
  const tidings = await start({ email: fakeProvider(() => ({ kind: 'retry', reason: 'busy', of: 'recipient' })) });
  await tidings.worker();
  const queued = await tidings.post('mail');
  await tidings.becomes(queued, 'queued', 1);
  expect((await tidings.server.post(`/api/v1/deliveries/${queued}/cancel`)).status).toBe(200);
  await tidings.post('mail', { user: 'u2' });
  expect(await tidings.groups()).toEqual([]);
});

test('retries that are exhausted have the code of the last attempt, and a retry by hand takes them off the list', async () => {
  const tidings = await start({
    email: fakeProvider(() => ({ kind: 'retry', of: 'account', code: 'Throttling', reason: 'AWS limits the rate' }), {
      name: 'ses',
    }),
  });
  await tidings.worker();
  const id = await tidings.post('mail');
  await tidings.becomes(id, 'queued', 1);
  tidings.clock.now += 7_200_000;
  await tidings.becomes(id, 'dead');
  expect(await tidings.groups()).toMatchObject([
    { fault: 'account', reason_code: 'retries_exhausted', code: 'Throttling', account: null },
  ]);
  await tidings.stopWorkers();
  expect(await tidings.retry(id)).toBe(true);
  expect(await tidings.groups()).toEqual([]);
});

test('a code that contains separators names its group all the same', async () => {
  const tidings = await start({ email: fakeProvider(() => ({ ...REJECTED, code: 'a:b %/\x1fc' })) });
  await tidings.worker();
  await tidings.becomes(await tidings.post('mail'), 'dead');
  const [{ group, code }] = await tidings.groups();
  expect(code).toBe('a:b %/ c');
  const shown = await tidings.server.get(`/api/v1/dead-letters/${encodeURIComponent(group)}`);
  expect(shown.body).toMatchObject({ group: { group }, deliveries: [{ status: 'dead' }] });
});
