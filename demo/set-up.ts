import { type Files, loadExample } from './catalogs.ts';
import type { Chance } from './chance.ts';
import { type NewAccount, type ProviderKeys, sendgridAccount, twilioAccount } from './providers/keys.ts';
import type { TimeMachine } from './time/machine.ts';
import type { DemoUser } from './worlds/users.ts';
import type { World } from './worlds/world.ts';

/** Requests that are under way at once. */
const MAX_AT_ONCE = 6;

const MEMBERS = [
  { email: 'ann@larch.example', name: 'Ann', role: 'owner' },
  { email: 'piet@larch.example', name: 'Piet', role: 'editor' },
  { email: 'olu@larch.example', name: 'Olu', role: 'operator' },
  { email: 'sam@larch.example', name: 'Sam', role: 'support' },
  { email: 'vera@larch.example', name: 'Vera', role: 'viewer' },
] as const;

const KEYS = [
  { name: 'shop', scopes: ['events:write', 'notifications:write'] },
  { name: 'warehouse', scopes: ['events:write'] },
  { name: 'trial of an agency', scopes: ['catalog:read', 'templates:read'] },
  { name: 'support desk', scopes: ['users:read', 'decisions:read', 'deliveries:read'] },
] as const;

/** Does what each company does before its first event. */
export async function setUp(
  machine: TimeMachine,
  worlds: readonly World[],
  chance: Chance,
  keys: ProviderKeys,
  market: Files,
): Promise<void> {
  for (const world of worlds) {
    await setUpTenant(machine, world);
    for (const body of toAccounts(world, keys))
      await machine.call('POST', '/api/v1/provider-accounts', { tenant: world.tenant, body });
    const files = world.tenant === 'default' ? market : loadExample(world.example);
    await machine.call('POST', '/api/v1/catalog', { tenant: world.tenant, body: { files } });
    if (world.settings.template_source === 'api') await startTemplateTest(machine, world, files);
    await addUsers(machine, world, chance);
    await addAccess(machine, world);
  }
  await addWebhooks(machine);
}

async function setUpTenant({ call }: TimeMachine, { tenant, name, settings: given }: World): Promise<void> {
  const { template_source: _, ...settings } = given;
  if (tenant === 'default') await call('PATCH', '/api/v1/tenants/default', { body: { name, settings } });
  else await call('POST', '/api/v1/tenants', { body: { tenant_id: tenant, name, settings } });
}

/** Returns the accounts that a company has of its own; the booking platform sends by those of the installation. */
function toAccounts({ tenant }: World, keys: ProviderKeys): readonly NewAccount[] {
  if (tenant === 'default')
    return [
      sendgridAccount(keys, tenant, 'sendgrid_main', 'Larch Market <hello@larch.example>'),
      sendgridAccount(keys, tenant, 'sendgrid_news', 'Larch Market <news@larch.example>'),
      twilioAccount(keys, 'twilio_larch'),
    ];
  if (tenant === 'cedar')
    return [
      sendgridAccount(keys, tenant, 'sendgrid', 'Cedar Lending <help@cedar.example>'),
      twilioAccount(keys, 'twilio'),
    ];
  return [];
}

/** The booking platform makes its templates by requests, and tests two subjects. */
async function startTemplateTest({ call }: TimeMachine, { tenant }: World, files: Files): Promise<void> {
  await call('PATCH', '/api/v1/tenant', { tenant, body: { settings: { template_source: 'api' } } });
  await call('POST', '/api/v1/templates/seed', {
    tenant,
    body: { files: Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith('templates/'))) },
  });
  const { templates } = (await call('GET', '/api/v1/templates?type=CLIENT_BOOKING_CONFIRMED&channel=email', { tenant }))
    .body;
  for (const { template_id: id, locale } of templates) {
    const { content } = (await call('GET', `/api/v1/templates/${id}`, { tenant })).body;
    const subject = locale === 'es' ? 'Reservado: {{event.session_name}}' : 'Booked: {{event.session_name}}';
    const body = {
      name: `CLIENT_BOOKING_CONFIRMED_SHORT_${locale}`,
      type: 'CLIENT_BOOKING_CONFIRMED',
      channel: 'email',
      locale,
      variant: 'short',
      parts: { ...content.parts, subject },
    };
    const made = await call('POST', '/api/v1/templates', { tenant, body });
    await call('POST', `/api/v1/templates/${made.body.template_id}/activate`, { tenant, body: {} });
  }
  const english = templates.find(({ locale }: { locale: string }) => locale === 'en');
  const body = { shares: { default: 50, short: 50 }, metric: 'opened', planned_users: 100 };
  await call('PUT', `/api/v1/templates/${english.template_id}/variants`, { tenant, body });
}

async function addUsers({ call }: TimeMachine, { tenant, users }: World, chance: Chance): Promise<void> {
  const all = users.map(toUser);
  await call('POST', '/api/v1/users/bulk', { tenant, body: { users: all } });
  await forEach(users, async ({ id, device }) => {
    if (device !== null) {
      const body = { registration_id: device, platform: chance.of(`platform ${id}`) < 0.5 ? 'ios' : 'android' };
      await call('POST', `/api/v1/users/${id}/devices/fcm`, { tenant, body });
    }
    const preferences = choosePreferences(chance.of(`preferences ${id}`));
    if (preferences) await call('PATCH', `/api/v1/users/${id}/preferences`, { tenant, body: preferences });
    const consent = chance.of(`consent ${id}`);
    if (consent > 0.4) return;
    const state = consent < 0.34 ? 'granted' : 'withdrawn';
    const body = {
      purpose: 'MARKETING',
      channel: 'email',
      state,
      source: 'account settings',
      wording_version: '2026-01',
    };
    await call('POST', `/api/v1/users/${id}/consents`, { tenant, body });
  });
}

/** Calls `work` for each of them, for some at once. */
async function forEach<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...list];
  const lane = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, lane));
}

function toUser({ id, firstName, lastName, email, phone, locale, zone, traits }: DemoUser): object {
  return {
    user_id: id,
    traits: { email, phone, first_name: firstName, last_name: lastName, locale, time_zone: zone, ...traits },
  };
}

/** Most users never open the page of preferences. */
function choosePreferences(chance: number): object | undefined {
  if (chance < 0.04) return { categories: { MARKETING: { email: false } } };
  if (chance < 0.07) return { channels: { sms: false } };
  if (chance < 0.1) return { channels: { push: false } };
  if (chance < 0.14) return { quiet_hours: { start: '21:00', end: '09:00' } };
  if (chance < 0.155) return { all: false };
  return undefined;
}

async function addAccess({ call }: TimeMachine, { tenant, name }: World): Promise<void> {
  for (const member of MEMBERS) {
    const email = member.email.replace('larch', name.split(' ')[0]?.toLowerCase() ?? tenant);
    await call('POST', '/api/v1/members', { tenant, body: { ...member, email } });
  }
  // The one that the link of a start logs in.
  await call('POST', '/api/v1/members', {
    tenant,
    body: { issuer: 'local', subject: 'owner', name: 'owner', role: 'owner' },
  });
  for (const key of KEYS) await call('POST', '/api/v1/keys', { tenant, body: key });
}

/** Adds two endpoints of the market, one of which begins to fail. */
async function addWebhooks({ call }: TimeMachine): Promise<void> {
  const bodies = [
    {
      url: 'https://hooks.larch.example/payouts',
      description: 'Bookkeeping',
      event_types: ['seller.payout_sent', 'seller.verification_decided'],
    },
    {
      url: 'https://warehouse.larch.example/tidings',
      description: 'Warehouse',
      event_types: ['order.refunded', 'notification.bounced'],
    },
  ];
  for (const body of bodies) await call('POST', '/api/v1/webhooks', { body });
}
