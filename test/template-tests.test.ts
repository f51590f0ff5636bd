import { afterAll, beforeAll, expect, test } from 'vitest';
import { chooseVariant } from '../src/catalog/compile/compile-tests.ts';
import { expectProblem } from './support/api.ts';
import { type TemplateApi, templateApi, WELCOME } from './support/stored-templates.ts';

/** Tests of variants: who is shown which, and the results. */

let api: TemplateApi;
let id: string;

beforeAll(async () => {
  api = await templateApi();
  await api.setSource('api');
  id = await api.make(WELCOME);
});

afterAll(() => api.close());

const put = (body: object) => api.server.send('PUT', `/api/v1/templates/${id}/variants`, body);
const TEST = {
  shares: { default: 50, short: 50 },
  metric: 'goal',
  goal: { event: 'paid', within: '7d' },
  planned_users: 12,
};

test('the users of a test are shown their variant, always the same one, and the results count each user once', async () => {
  expectProblem(await api.get(`/${id}/variants/results`), { status: 404, code: 'not_found' });
  const without = await put(TEST);
  expect([without.status, without.body.errors?.[0]?.pointer]).toEqual([422, '/shares/short']);
  await api.make({ ...WELCOME, name: 'SHORT', variant: 'short', parts: { subject: 'Short', text: 'Short' } });
  // No test shows it yet.
  expect(await api.mail('nobody')).toMatchObject({ subject: 'Welcome, Maria' });
  const started = await put(TEST);
  expect(started).toMatchObject({
    status: 200,
    body: { type: 'WELCOME', channel: 'email', ended_at: null, goal: TEST.goal },
  });
  const testId = started.body.test_id;
  expect((await put(TEST)).body.test_id).toBe(testId);

  const users = Array.from({ length: 12 }, (_, i) => `user ${i}`);
  const expected = new Map(
    users.map((user) => [
      user,
      chooseVariant({ id: testId, notificationType: 'WELCOME', channel: 'email', shares: TEST.shares }, user),
    ]),
  );
  for (const user of users) {
    const message = await api.mail(user);
    expect([message.variant, message.subject], user).toEqual([
      expected.get(user),
      expected.get(user) === 'short' ? 'Short' : 'Welcome, Maria',
    ]);
  }
  // The second message of a user is no second user.
  api.tidings.clock.now += 1000;
  const [first = ''] = users;
  expect((await api.mail(first)).variant).toBe(expected.get(first));
  await api.mail(first, 'paid');
  const { body } = await api.get(`/${id}/variants/results`);
  expect(body).toMatchObject({ test_id: testId, users: 12, is_cut: false });
  const sizes = body.variants.map(({ variant, users: n, goal }: { variant: string; users: number; goal: number }) => [
    variant,
    n,
    goal,
  ]);
  const count = (variant: string) => users.filter((user) => expected.get(user) === variant).length;
  const goal = (variant: string) => (expected.get(first) === variant ? 1 : 0);
  expect(sizes).toEqual([
    ['default', count('default'), goal('default')],
    ['short', count('short'), goal('short')],
  ]);
  expect(['no_difference', 'not_trusted']).toContain(body.verdict);
});

test('a user whose locale a variant lacks takes no part', async () => {
  const made = await api.post(`/${id}/localizations`, { locale: 'es', parts: { subject: 'Hola', text: 'Hola' } });
  await api.post(`/${made.body.template_id}/activate`);
  for (let i = 0; i < 6; i++) {
    const message = await api.mail(`spanish ${i}`, 'signed_up', { locale: 'es' });
    expect([message.subject, message.variant]).toEqual(['Hola', undefined]);
  }
});

test('a variant in a test cannot be archived; after the end all users are shown that without a variant', async () => {
  expectProblem(await api.post('/SHORT/archive'), { status: 409, code: 'template_in_use' });
  const end = () => api.server.send('DELETE', `/api/v1/templates/${id}/variants`);
  expect((await end()).body).toEqual({ ended: true });
  expect((await end()).body).toEqual({ ended: false });
  for (let i = 0; i < 6; i++) {
    const message = await api.mail(`user ${i}`);
    expect([message.subject, message.variant]).toEqual(['Welcome, Maria', undefined]);
  }
  expect((await api.get(`/${id}/variants/results`)).body.ended_at).not.toBeNull();
  expect((await api.post('/SHORT/archive')).status).toBe(200);
});

test.each([
  [{ shares: { default: 50, short: 40 } }, '/shares', 400],
  [{ shares: { default: 100 } }, '/shares/default', 400],
  [{ planned_users: 1 }, '/planned_users', 400],
  [{ goal: undefined }, '/goal', 400],
  [{ goal: { event: 'paid', within: '1s' } }, '/goal/within', 400],
])('a test with %j is rejected at its part', async (wrong, pointer, expected) => {
  const { status, body } = await put({ ...TEST, ...wrong });
  expect([status, body.errors?.[0]?.pointer]).toEqual([expected, pointer]);
});

test('users are divided as the shares say', () => {
  const shown = { default: 0, a: 0, b: 0 };
  const shares = { default: 60, a: 30, b: 10 };
  for (let i = 0; i < 20_000; i++) {
    const variant = chooseVariant({ id: 'x', notificationType: 'WELCOME', channel: 'email', shares }, `user ${i}`);
    shown[variant as keyof typeof shown]++;
  }
  expect(shown.default / 20_000).toBeCloseTo(0.6, 1);
  expect(shown.a / 20_000).toBeCloseTo(0.3, 1);
  expect(shown.b / 20_000).toBeCloseTo(0.1, 1);
});
