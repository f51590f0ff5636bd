import { expect, test } from 'vitest';
import { createServices, NotificationChannel, PreferenceFrequency } from '../packages/client/src/marketplace.ts';
import { Tidings } from '../packages/client/src/tidings.ts';

/** The requests that the façade makes of its arguments. */

function start(answer: object = {}) {
  const requests: { method: string; path: string; body: unknown }[] = [];
  const tidings = new Tidings({
    baseUrl: 'http://localhost',
    fetch: async (url, init) => {
      const { pathname, search } = new URL(String(url));
      const body = init?.body === undefined ? undefined : JSON.parse(String(init.body));
      requests.push({ method: String(init?.method), path: `${pathname}${search}`, body });
      return Response.json(answer);
    },
  });
  return { requests, ...createServices(tidings) };
}

test('a notification to each kind of recipient, with all that a request can say', async () => {
  const { requests, notificationService } = start();
  const request = {
    type: 'ORDER_SHIPPED',
    recipients: [{ userId: 'u1' }, { email: 'a@example.com' }, { phone: '+12025550123' }],
    scheduledAt: new Date('2026-12-01T09:00:00Z'),
    expiresAt: '2026-12-02T09:00:00Z',
    context: { correlationId: 'c1' },
  };
  await notificationService.sendNotification(request);
  await notificationService.shouldSendNotification(request);
  const body = {
    type: 'ORDER_SHIPPED',
    recipients: [{ user_id: 'u1' }, { email: 'a@example.com' }, { phone: '+12025550123' }],
    scheduled_at: '2026-12-01T09:00:00.000Z',
    expires_at: '2026-12-02T09:00:00Z',
    context: { correlation_id: 'c1' },
  };
  expect(requests).toEqual([
    { method: 'POST', path: '/api/v1/notifications', body },
    { method: 'POST', path: '/api/v1/notifications?dry_run=true', body },
  ]);
  const invalid = notificationService.sendNotification({ ...request, scheduledAt: new Date(Number.NaN) });
  await expect(invalid).rejects.toThrow(RangeError);
});

test.each([
  [{ isEnabled: false }, { types: { NEWS: { enabled: false } } }],
  [{ channels: [] }, { types: { NEWS: { channels: [] } } }],
  [{ frequency: PreferenceFrequency.WEEKLY }, { types: { NEWS: { frequency: 'WEEKLY' } } }],
  [{ quietHoursEnabled: false }, { types: { NEWS: {} }, quiet_hours: { enabled: false } }],
  [
    { quietHoursStart: '22:00', quietHoursEnd: '08:00' },
    { types: { NEWS: {} }, quiet_hours: { enabled: true, start: '22:00', end: '08:00' } },
  ],
  [{ timezone: 'Europe/Berlin' }, { types: { NEWS: {} } }],
])('the preference %j changes that alone', async (update, body) => {
  const { requests, preferenceService } = start();
  await preferenceService.updatePreference('u1', 'NEWS', update);
  expect(requests).toEqual([{ method: 'PATCH', path: '/api/v1/users/u1/preferences', body }]);
});

test.each([{ quietHoursEnabled: true }, { quietHoursStart: '22:00' }, { quietHoursEnd: '08:00' }])(
  'quiet hours of %j alone are an error, and nothing is sent',
  async (update) => {
    const { requests, preferenceService } = start();
    await expect(preferenceService.updatePreference('u1', 'NEWS', update)).rejects.toThrow(TypeError);
    expect(requests).toEqual([]);
  },
);

test('a channel is turned on, and an address is added for the channels that have one', async () => {
  const { requests, preferenceService } = start();
  const sms = await preferenceService.subscribeToChannel('u1', NotificationChannel.SMS, { phone: '+12025550123' });
  const push = await preferenceService.subscribeToChannel('u1', NotificationChannel.PUSH);
  expect([sms.address === undefined, push.address === undefined]).toEqual([false, true]);
  expect(requests.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/api/v1/users/u1/addresses', { kind: 'phone', address: '+12025550123' }],
    ['PATCH', '/api/v1/users/u1/preferences', { channels: { sms: true } }],
    ['PATCH', '/api/v1/users/u1/preferences', { channels: { push: true } }],
  ]);
});

test('an address that is not verified gets a code', async () => {
  const { requests, preferenceService } = start({ address_id: 'a1', verified_at: null });
  const { verification } = await preferenceService.subscribeToChannel('u1', NotificationChannel.EMAIL, {
    email: 'maria@example.com',
  });
  expect(verification).toBeDefined();
  expect(requests.map(({ method, path }) => [method, path])).toEqual([
    ['POST', '/api/v1/users/u1/addresses'],
    ['PATCH', '/api/v1/users/u1/preferences'],
    ['POST', '/api/v1/users/u1/addresses/a1/verify'],
  ]);
});

test.each([
  ['email', { subject: 'S', text: 'T', html: '<p>H</p>' }],
  ['push', { title: 'S', text: 'T', html: '<p>H</p>' }],
  ['sms', { text: 'T', html: '<p>H</p>' }],
] as const)('a template for %s has the parts of the channel, without indentation', async (channel, parts) => {
  const { requests, templateService } = start({ template_id: 't1' });
  const texts = { subject: 'S', content: '\n    T\n  ', htmlContent: '  <p>H</p>' };
  const { id } = await templateService.createTemplate({ name: 'News', type: 'NEWS', channel, ...texts }, 'admin');
  const body = { name: 'News', type: 'NEWS', channel, parts };
  expect([id, requests]).toEqual(['t1', [{ method: 'POST', path: '/api/v1/templates', body }]]);
});

test('a signature is of one header; several, none and another are not genuine', async () => {
  const { webhookService } = start();
  const secret = 'webhook_secret_key';
  const key = await crypto.subtle.importKey(
    'raw',
    new TextEncoder().encode(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode('{}')));
  const signature = `sha256=${Buffer.from(bytes).toString('hex')}`;
  const verify = (header: string | string[] | undefined, body = '{}') =>
    webhookService.verifyWebhookSignature(body, header, secret);
  expect(await verify(signature)).toBe(true);
  expect(await Promise.all([verify(undefined), verify([signature]), verify(signature, '{ }'), verify('')])).toEqual([
    ...[false, false, false, false],
  ]);
});
