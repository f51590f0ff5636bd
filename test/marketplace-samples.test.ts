import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createServices, NotificationType } from '../packages/client/src/marketplace.ts';
import { Tidings } from '../packages/client/src/tidings.ts';
import { loadExample, parseCatalog } from './support/catalog.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { codeBlocks } from './support/markdown.ts';
import { type Program, tidings as start } from './support/program.ts';

/** The samples of docs/marketplace.md, as one program, against a real process with the example catalog. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLIENT = join(ROOT, 'packages', 'client', 'src');
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'tidings-marketplace-'));
let database: TestDatabase;
let program: Program;
let client: Tidings;
let printed: string[];

beforeAll(async () => {
  database = await testDatabase();
  program = start(['start', '--json'], {
    env: {
      DATABASE_URL: database.url,
      TIDINGS_API_DATABASE_URL: database.apiUrl,
      TIDINGS_DATA_DIR: join(folder, 'data'),
      TIDINGS_WATCH: 'false',
      TIDINGS_CATALOG: join(ROOT, 'examples', 'marketplace'),
      PORT: '0',
    },
  });
  const { url } = await program.ready(120_000);
  client = new Tidings({ baseUrl: url! });
  await client.users.put('user123', { traits: { email: 'joan@example.com', first_name: 'Joan', locale: 'en' } });
  const page = await readFile(join(ROOT, 'docs', 'marketplace.md'), 'utf8');
  const samples = codeBlocks(page).filter(({ language }) => language === 'ts');
  expect(samples.length).toBeGreaterThan(8);
  const source = samples
    .map(({ text }) => text)
    .join('\n')
    .replace('http://localhost:8000', url!);
  await writeFile(join(folder, 'program.ts'), source);
  await build({
    entryPoints: [join(folder, 'program.ts')],
    outfile: join(folder, 'program.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: {
      '@tidings/client': join(CLIENT, 'tidings.ts'),
      '@tidings/client/marketplace': join(CLIENT, 'marketplace.ts'),
    },
  });
  const { stdout } = await run(process.execPath, [join(folder, 'program.mjs')], { timeout: 120_000 });
  printed = stdout.trim().split('\n');
}, 300_000);

afterAll(async () => {
  program?.killGroup('SIGKILL');
  await program?.ended;
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const sent = async (userId: string, type: string) => {
  const found = [];
  for await (const one of client.notifications.list({ user_id: userId, type })) found.push(one);
  return found;
};

test('the samples print what became of each call', () => {
  const [calls, numbers] = [printed.slice(0, 8), printed.slice(8)];
  expect(calls).toEqual([
    expect.stringMatching(/^accepted \S+ undefined$/),
    expect.stringMatching(/^accepted \S+ undefined$/),
    expect.stringMatching(/^scheduled \d{4}-\S+Z$/),
    expect.stringMatching(/^suppressed .*consent/),
    expect.stringMatching(/^\+1.*…/),
    expect.stringMatching(/^Webhook test result: (sent|failed)$/),
    'Unsigned: 401',
    'Templates: en es',
  ]);
  // A month that is over, each channel in the last one, and each day up to now.
  const [month, ...later] = numbers;
  expect(month).toMatch(/^0 0 0 0 0 null$/);
  expect(later.slice(0, 4)).toEqual(
    // Null of a channel whose messages are still on their way.
    ['email', 'in_app', 'push', 'sms'].map((one) => expect.stringMatching(`^${one} (0 \\d+|null null) 0$`)),
  );
  const days = later.slice(4);
  expect(days.every((day) => /^\d{4}-\d\d-\d\dT00:00:00\.000Z \d+$/.test(day))).toBe(true);
  expect(Number(days.at(-1)?.split(' ')[1])).toBeGreaterThan(0);
});

test('a handler sends for a domain event, beside the rule', async () => {
  const shipped = await sent('user123', 'ORDER_SHIPPED');
  expect(shipped.map(({ rule }) => rule).sort()).toEqual(['@direct', 'ORDER_SHIPPED']);
});

test('the preference, the address and the limit are those of the calls', async () => {
  const { types, quiet_hours } = await client.preferences.get('user123');
  const cells = types.find(({ type }) => type === 'ORDER_CONFIRMATION')?.channels;
  expect([cells?.email?.on, cells?.in_app?.on]).toEqual([true, false]);
  expect(quiet_hours?.hours).toContain('22:00-08:00 America/New_York');
  const { addresses } = await client.users.addresses('user123');
  expect(addresses.map(({ kind }) => kind).sort()).toEqual(['email', 'phone']);
  const { settings } = await client.tenants.getOwn();
  expect(settings.limits).toEqual({ sms: { user: { per_minute: 2, per_hour: 10, per_day: 50, burst: 3 } } });
});

test('the confirmation goes out with the variables of the call, to the user and the guest', async () => {
  // At any time of the day: in the quiet hours of the samples it waits until they are over, or no longer wanted.
  const { preferenceService } = createServices(client);
  await preferenceService.updatePreference('user123', 'ORDER_CONFIRMATION', { quietHoursEnabled: false });
  const [confirmation] = await sent('user123', 'ORDER_CONFIRMATION');
  expect(confirmation?.deliveries.map(({ channel }) => channel).sort()).toEqual(['email', 'in_app']);
  const email = `${confirmation?.notification_id}.email`;
  const statusOf = async () => (await client.notifications.get(confirmation!.notification_id)).deliveries;
  const isSent = expect.objectContaining({ channel: 'email', status: 'sandboxed' });
  await vi.waitFor(async () => expect(await statusOf()).toContainEqual(isSent), { timeout: 60_000 });
  const message = await client.deliveries.message(email);
  // By the template of the example or by that of the samples, which became active meanwhile.
  expect(message.subject).toMatch(/ ORD-12345$/);
  expect(message.text).toMatch(/Bowl.* \$49\.99\n\nTotal: \$99\.98/);
  expect(message.html).toContain('Joan Miller');
});

test('the templates of the calls are those of the next messages, in both languages', async () => {
  const { notificationService, preferenceService } = createServices(client);
  const change = { quietHoursEnabled: false, channels: ['email'] as const };
  await preferenceService.updatePreference('user123', 'ORDER_CONFIRMATION', change);
  await client.users.put('usuario', { traits: { email: 'ana@example.com', first_name: 'Ana', locale: 'es-MX' } });
  await preferenceService.updatePreference('usuario', 'ORDER_CONFIRMATION', change);
  const { results } = await notificationService.sendNotification({
    type: NotificationType.ORDER_CONFIRMATION,
    recipients: [{ userId: 'user123' }, { userId: 'usuario' }],
    templateVariables: {
      orderNumber: 'ORD-7',
      customerName: 'Joan',
      items: [{ name: 'Bowl', quantity: 2, price: '$49.99' }],
      totalAmount: '$99.98',
    },
  });
  const messageOf = (index: number) => client.deliveries.message(`${results[index]?.notification_id}.email`);
  await vi.waitFor(() => Promise.all([messageOf(0), messageOf(1)]), { timeout: 60_000 });
  const [english, spanish] = [await messageOf(0), await messageOf(1)];
  expect(english.subject).toBe('Order Confirmation - ORD-7');
  expect(english.text).toContain('Hi Joan,\n\nThank you for your order ORD-7.');
  expect(english.text).toContain('- Bowl x 2 = $49.99\n\nTotal: $99.98');
  expect(english.html).toContain('<strong>ORD-7</strong>');
  expect(spanish).toMatchObject({ locale: 'es', subject: 'Confirmación de pedido - ORD-7' });
});

test('a limit is set beside others, also by programs at once, and removed', async () => {
  const { rateLimitService } = createServices(client);
  const calls = [rateLimitService.setRateLimitRule('sms', 'TENANT', { maxPerMinute: 600 })];
  calls.push(rateLimitService.setRateLimitRule('email', 'USER', { maxPerHour: 4 }));
  await Promise.all(calls);
  await rateLimitService.setRateLimitRule('sms', 'USER', null);
  const { settings } = await client.tenants.getOwn();
  expect(settings.limits).toEqual({ sms: { tenant: { per_minute: 600 } }, email: { user: { per_hour: 4 } } });
});

test('a subscription gets events or messages, and a locked preference is not changed', async () => {
  const { webhookService, preferenceService } = createServices(client);
  const one = { name: 'Orders', url: 'https://api.partner.example/hooks' };
  const created = await webhookService.createSubscription({ ...one, events: [NotificationType.ORDER_SHIPPED] });
  expect(created).toMatchObject({ notification_types: ['ORDER_SHIPPED'], event_types: null, description: 'Orders' });
  const mixed = webhookService.createSubscription({ ...one, events: ['ORDER_SHIPPED', 'order.created'] });
  await expect(mixed).rejects.toThrow(TypeError);
  const locked = preferenceService.updatePreference('user123', NotificationType.PAYMENT_RECEIPT, { isEnabled: false });
  await expect(locked).rejects.toMatchObject({ code: 'preference_locked' });
});

test('NotificationType has the types of the example catalog', async () => {
  const { notifications } = await parseCatalog(await loadExample('marketplace'));
  expect(Object.values(NotificationType)).toEqual(notifications.map(({ name }) => name));
  expect(Object.keys(NotificationType)).toEqual(Object.values(NotificationType));
});
