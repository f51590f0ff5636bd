import { expect, test } from 'vitest';
import { useNotifications } from './support/notifications.ts';

/** Consent by a trait: what was said last counts, whether it is a trait or a record, in the decision, at the claim and after a merge. */

const at = useNotifications({
  'events.yaml':
    'events: { signed_up: {} }\ntraits: { email: string, phone: string, time_zone: string, plan: string, marketing_opt_in: boolean }',
  'preferences.yaml': 'consent: { MARKETING: { any: [record, { trait: marketing_opt_in }] } }',
});

async function withdraw(userId: string, fields: object = {}) {
  const { server, tidings } = at();
  tidings.clock.now += 1000;
  const body = { purpose: 'MARKETING', channel: 'email', state: 'withdrawn', source: 'app', ...fields };
  const { status } = await server.post(`/api/v1/users/${userId}/consents`, body);
  expect(status).toBe(201);
  tidings.clock.now += 1000;
}

const iso = () => new Date(at().tidings.clock.now).toISOString();

async function promote(userId: string): Promise<string> {
  const { send, tidings } = at();
  tidings.clock.now += 1000;
  const { body } = await send({ type: 'PROMO', recipients: [{ user_id: userId }] });
  const [{ state, channels }] = body.results;
  return state === 'accepted' ? 'accepted' : channels.email.code;
}

test('a trait that says again what it said counts after a withdrawal, in decisions and at the claim', async () => {
  const { tidings, user, email, becomes, send } = at();
  await user('u1', { email: 'maria@example.com', marketing_opt_in: true });
  await withdraw('u1');
  expect(await promote('u1')).toBe('consent_withdrawn');
  await user('u1', { marketing_opt_in: true });
  expect(await promote('u1')).toBe('accepted');
  expect(await promote('u1')).toBe('accepted');
  await tidings.worker();
  const { body } = await send({ type: 'PROMO' });
  await becomes(body.results[0].notification_id, 'sent');
  expect(email.calls).toHaveLength(3);
  await withdraw('u1');
  expect(await promote('u1')).toBe('consent_withdrawn');
});

test('a withdrawal that comes late does not undo a trait that was said again since', async () => {
  const { user, tidings } = at();
  await user('u1', { email: 'maria@example.com', marketing_opt_in: true });
  const before = iso();
  tidings.clock.now += 1000;
  await user('u1', { marketing_opt_in: true });
  const after = iso();
  await withdraw('u1', { at: before });
  expect(await promote('u1')).toBe('accepted');
  await withdraw('u1', { at: after });
  expect(await promote('u1')).toBe('consent_withdrawn');
});

test('a merge does not let a trait of one user undo what the other withdrew', async () => {
  const { user, server, tidings } = at();
  await user('u2', { email: 'maria@example.com' });
  await withdraw('u2');
  await user('u1', { marketing_opt_in: true, plan: 'pro' });
  expect((await server.post('/api/v1/users/u2/merge', { into: 'u1' })).status).toBe(200);
  expect(await promote('u1')).toBe('consent_withdrawn');
  tidings.clock.now += 1000;
  await user('u1', { marketing_opt_in: true });
  expect(await promote('u1')).toBe('accepted');
});

test('a merge leaves a trait that the user who withdrew has set again', async () => {
  const { user, server } = at();
  await user('u1', { email: 'maria@example.com' });
  await withdraw('u1');
  await user('u1', { marketing_opt_in: true });
  await user('u2', { plan: 'pro' });
  expect((await server.post('/api/v1/users/u2/merge', { into: 'u1' })).status).toBe(200);
  expect(await promote('u1')).toBe('accepted');
});
