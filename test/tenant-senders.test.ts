import { expect, test } from 'vitest';
import { fakeProvider } from './support/providers.ts';
import { useTenants } from './support/tenants.ts';

const FILES = new Map([
  ['events.yaml', 'events: { came: {} }\ntraits: { email: string }\n'],
  ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n'],
  ['rules.yaml', 'rules: { MAIL: { on: came } }\n'],
  ['templates/MAIL/email.en.subject.txt', 'Hello'],
  ['templates/MAIL/email.en.txt', 'Hello'],
]);
const api = useTenants(FILES);

async function mail(tenantId: string, user: string): Promise<void> {
  const event = {
    user_id: user,
    event_type: 'came',
    event_timestamp: new Date(api.tidings.clock.now).toISOString(),
    user_traits: { email: `${user}@example.com` },
  };
  const [posted] = await api.tidings.pipeline.ingest(tenantId, [event]);
  expect(posted?.status).toBe('accepted');
}

test('a tenant whose sender the provider does not accept stops the account for no other tenant', async () => {
  const provider = fakeProvider(({ sender }) =>
    sender === undefined
      ? { kind: 'sent' }
      : { kind: 'misconfigured', isOfSender: true, code: 'from', reason: 'the sender is not verified' },
  );
  api.tidings.providers.set('email', provider);
  await api.tidings.worker();
  await api.create('stray', { name: 'Stray', settings: { mail_from: 'Stray <hi@stray.example>' } });
  await api.create('plain', { name: 'Plain' });
  const calls = () => provider.calls.map(({ tenantId }) => tenantId);
  await mail('stray', 'u1');
  await expect.poll(calls, { timeout: 20_000 }).toEqual(['stray']);
  await mail('plain', 'u2');
  await expect.poll(calls, { timeout: 20_000 }).toEqual(['stray', 'plain']);
  const load = async () => {
    const { rows } = await api.tidings.database.pool.query(
      'select tenant_id, status, reason from deliveries order by tenant_id',
    );
    return rows;
  };
  await expect.poll(load, { timeout: 20_000 }).toMatchObject([
    { tenant_id: 'plain', status: 'sent' },
    { tenant_id: 'stray', status: 'queued', reason: expect.stringContaining('mail_from') },
  ]);
  const { rows } = await api.tidings.database.pool.query('select tenant_id, code from attempts');
  expect(rows).toEqual([{ tenant_id: 'stray', code: 'mail_from_rejected' }]);
});
