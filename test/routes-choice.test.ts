import { afterEach, expect, test } from 'vitest';
import { type RoutedOptions, type RoutedTidings, routedCatalog, routedTidings } from './support/routes.ts';

/** Which account a message goes by, by the routes of the catalog. */

const open: RoutedTidings[] = [];
async function start(options: RoutedOptions): Promise<RoutedTidings> {
  const routed = await routedTidings(options);
  open.push(routed);
  await routed.worker();
  return routed;
}
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

test('messages of a tier are shared by weight, and each says by what weight it went', async () => {
  const routed = await start({
    routes:
      'routes: { email: [{ account: main, weight: 80 }, { account: second, weight: 20 }, { account: spare, tier: 2 }] }',
    accounts: ['spare', 'second', 'main'],
  });
  const users = await routed.post('mail', 400);
  await expect.poll(() => routed.sent.length, { timeout: 20_000 }).toBe(400);
  const { main = 0, second = 0, spare = 0 } = routed.count();
  expect(spare).toBe(0);
  expect(main).toBeGreaterThan(270);
  expect(second).toBeGreaterThan(40);
  const delivery = await routed.becomes(users[0] as string, 'sent');
  const weight = delivery.account === 'main' ? 80 : 20;
  expect(delivery.attempts[0]?.choice).toBe(`tier 1 of the route of email, weight ${weight} of 100`);
});

test('a condition that holds comes before the accounts of its tier without one', async () => {
  const routed = await start({
    routes: `routes:
  email: [{ account: ads, when: message.category == "MARKETING" }, { account: main }]
  sms: [{ account: iberia, when: 'message.calling_code in ["34", "351"]' }, { account: world }]`,
    accounts: ['main', 'ads', 'world', 'iberia'],
  });
  const [mail] = await routed.post('mail');
  const [ad] = await routed.post('ad');
  const [near] = await routed.post('text');
  const [far] = await routed.post('text', 1, { phone: '+12025550123' });
  expect((await routed.becomes(mail!, 'sent')).account).toBe('main');
  const byCondition = await routed.becomes(ad!, 'sent');
  expect(byCondition.account).toBe('ads');
  expect(byCondition.attempts[0]?.choice).toContain('as message.category == "MARKETING"');
  expect((await routed.becomes(near!, 'sent')).account).toBe('iberia');
  expect((await routed.becomes(far!, 'sent')).account).toBe('world');
});

test('a condition knows the tenant and the domain', async () => {
  const routed = await start({
    routes: `routes: { email: [{ account: second, when: message.tenant.id == "default" && message.domain == "example.com" }, { account: main }] }`,
    accounts: ['main', 'second'],
  });
  const [user] = await routed.post('mail');
  const [other] = await routed.post('mail', 1, { email: 'ann@example.org' });
  expect((await routed.becomes(user!, 'sent')).account).toBe('second');
  expect((await routed.becomes(other!, 'sent')).account).toBe('main');
});

test('a route can name the account of the installation', async () => {
  const routed = await start({ routes: 'routes: { email: [{ account: installation }] }', accounts: ['main'] });
  const [user] = await routed.post('mail');
  expect(await routed.becomes(user!, 'sent')).toMatchObject({ provider: 'installation', account: null });
});

test('a tenant without accounts goes by the installation, whatever its routes name', async () => {
  const routed = await start({ routes: 'routes: { email: [{ account: main }] }', accounts: [] });
  const [user] = await routed.post('mail');
  expect(await routed.becomes(user!, 'sent')).toMatchObject({ provider: 'installation', account: null });
});

test('messages of an account that fails over go by the other one, and say so, until that is undone', async () => {
  const routed = await start({
    routes: 'routes: { email: [{ account: main }, { account: second, tier: 2 }] }',
    accounts: ['main', 'second'],
  });
  routed.failOver('main', 'second');
  const [during] = await routed.post('mail');
  const delivery = await routed.becomes(during!, 'sent');
  expect([delivery.account, delivery.attempts[0]?.choice]).toEqual([
    'second',
    'tier 1 of the route of email, for main, which fails over to it',
  ]);
  routed.failOver('main', undefined);
  const [after] = await routed.post('mail');
  expect((await routed.becomes(after!, 'sent')).account).toBe('main');
});

test('a message that the route has no account for waits, says so, and is sent by the next version of the catalog', async () => {
  const routed = await start({ routes: 'routes: { email: [{ account: gone }] }', accounts: ['main'] });
  const [user] = await routed.post('mail');
  await expect
    .poll(async () => (await routed.becomes(user!, 'queued')).attempts[0], { timeout: 10_000 })
    .toMatchObject({ outcome: 'misconfigured', code: 'no_account', provider: 'none' });
  expect(routed.sent).toEqual([]);
  await routed.tidings.apply(routedCatalog('routes: { email: [{ account: main }] }'));
  routed.tidings.clock.now += 600_000;
  expect((await routed.becomes(user!, 'sent')).account).toBe('main');
});

test('a message that a provider keeps the template of goes by an account whose provider does', async () => {
  const routed = await start({
    accounts: [{ account: 'plain' }, { account: 'courier', takesHosted: true }],
    notifications: `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  AD: { category: MARKETING, channels: [email], provider_template: AD_V1 }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }`,
    routes: 'routes: { email: [{ account: plain }, { account: courier, tier: 2 }] }',
  });
  const [mail] = await routed.post('mail');
  const [ad] = await routed.post('ad');
  expect((await routed.becomes(mail!, 'sent')).account).toBe('plain');
  expect((await routed.becomes(ad!, 'sent')).account).toBe('courier');
});
