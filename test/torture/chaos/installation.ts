import { apnsSettings } from '../../support/stand-ins/apns.ts';
import { fcmSettings } from '../../support/stand-ins/fcm.ts';
import { snsSettings } from '../../support/stand-ins/sns-sms.ts';
import { twilioSettings } from '../../support/stand-ins/twilio.ts';
import { subscribe, VAPID_SETTINGS } from '../../support/stand-ins/web-push.ts';
import { chaosCatalog } from './catalog.ts';
import type { ChaosStandIns } from './stand-ins.ts';

/** Key of the installation. */
export const CHAOS_KEY = 'the-key-of-the-chaos';
const FROM = 'Bank <bank@example.com>';
const ENDPOINTS = 2;
/** Requests at once while tenants are made. */
const TENANTS_AT_ONCE = 4;

/** A user of a tenant, with addresses for all channels. */
export interface ChaosUser {
  readonly tenantId: string;
  readonly userId: string;
  readonly traits: { readonly email: string; readonly phone: string };
}

export interface ChaosInstallation {
  readonly users: readonly ChaosUser[];
  /** Address as the tally has it, by the id of the device or endpoint. */
  readonly addresses: ReadonlyMap<string, string>;
}

type Urls = ChaosStandIns['urls'];
type Account = { readonly provider: string; readonly settings: object; readonly channels?: readonly string[] };

/** Makes tenants with catalogs, accounts, endpoints, and users with devices, all over the API at `url`. */
export async function createInstallation(
  url: string,
  urls: Urls,
  { tenants, usersEach }: { readonly tenants: number; readonly usersEach: number },
): Promise<ChaosInstallation> {
  const files = Object.fromEntries(chaosCatalog());
  const users: ChaosUser[] = [];
  const addresses = new Map<string, string>();

  async function createTenant(n: number): Promise<void> {
    const tenantId = `tenant-${n}`;
    const post = (path: string, body: object) => send(`${url}/api/v1/${path}`, tenantId, body);
    await send(`${url}/api/v1/tenants`, undefined, { tenant_id: tenantId });
    await post('catalog', { files });
    for (const [place, account] of listAccounts(n, urls).entries()) {
      await post('provider-accounts', { account: `${account.provider}_${place}`, place: place + 1, ...account });
    }
    for (let i = 0; i < ENDPOINTS; i++) {
      const path = `/hooks/${tenantId}/${i}`;
      const { endpoint_id } = await post('webhooks', { url: `${urls.webhook}${path}` });
      addresses.set(endpoint_id as string, path);
    }
    for (let i = 0; i < usersEach; i++) {
      const number = n * usersEach + i;
      const userId = `user-${number}`;
      const traits = {
        email: `u${number}@d${number % 7}.example.com`,
        phone: `+3519100${String(number).padStart(5, '0')}`,
      };
      users.push({ tenantId, userId, traits });
      for (const [device, address] of listDevices(number, urls)) {
        const { device_id } = await post(`users/${userId}/devices`, device);
        addresses.set(device_id as string, address);
      }
    }
  }

  const left = Array.from({ length: tenants }, (_, n) => n);
  await Promise.all(
    Array.from({ length: TENANTS_AT_ONCE }, async () => {
      for (let n = left.shift(); n !== undefined; n = left.shift()) await createTenant(n);
    }),
  );
  return { users, addresses };
}

/** Returns the accounts of a tenant in order of choice. Two of each three have a second one for email. */
function listAccounts(n: number, urls: Urls): readonly Account[] {
  const email: readonly Account[] = [
    { provider: 'smtp', settings: { url: urls.smtp, from: FROM } },
    { provider: 'sendgrid', settings: { api_key: 'SG.key', from: FROM, base_url: urls.sendgrid } },
    { provider: 'ses', settings: { ...snsSettings(urls.ses), from: FROM } },
    { provider: 'http', channels: ['email'], settings: genericSettings(`${urls.http}/email`) },
  ];
  const sms: readonly Account[] = [
    { provider: 'twilio', settings: twilioSettings(urls.twilio) },
    { provider: 'sns', settings: snsSettings(urls.sns) },
    { provider: 'http', channels: ['sms'], settings: genericSettings(`${urls.http}/sms`) },
  ];
  return [
    email[n % 4]!,
    ...(n % 3 === 0 ? [] : [email[(n + 1) % 4]!]),
    sms[n % 3]!,
    { provider: 'fcm', settings: fcmSettings(urls.fcm) },
    { provider: 'apns', settings: apnsSettings(urls.apns) },
    { provider: 'web_push', settings: VAPID_SETTINGS },
  ];
}

function genericSettings(url: string): object {
  return {
    url,
    from: FROM,
    body: { to: '{{to}}', text: '{{text}}' },
    success: { status: [200], path: 'id' },
    message_id: { path: 'id' },
  };
}

/** Returns what is registered for a user, with the address of each. */
function listDevices(number: number, urls: Urls): [object, string][] {
  const fcm = `fGx2:APA91bHun4MxP5egoKMwt2KZFBaFUH-${number}`;
  const apns = `a1b2c3d4e5f6${number.toString(16).padStart(52, '0')}`;
  const path = `/push/fKpVAbyBQ1Y-${number}`;
  const { p256dh, auth } = subscribe(urls.web_push);
  const subscription = { endpoint: `${urls.web_push}${path}`, expirationTime: null, keys: { p256dh, auth } };
  return [
    [{ platform: 'android', token: fcm }, fcm],
    ...(number % 2 === 0 ? [[{ platform: 'ios', token: apns }, apns] as [object, string]] : []),
    ...(number % 3 === 0 ? [[{ platform: 'web', subscription }, path] as [object, string]] : []),
  ];
}

async function send(
  url: string,
  tenantId: string | undefined,
  body: object,
): Promise<{ readonly [field: string]: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${CHAOS_KEY}`,
      ...(tenantId === undefined ? {} : { 'x-tidings-tenant': tenantId }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} responded ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
