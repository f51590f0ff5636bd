import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { measureSms } from '../../channels/sms/segments.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import type { AddressKind, JsonObject, Millis } from '../../model/event.ts';
import { INSTALLATION_ACCOUNT } from '../../model/route.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import type { Seal } from '../../privacy/seal.ts';
import { listAccounts } from '../../store/accounts.ts';
import { summarizeCosts } from '../../store/costs.ts';
import { loadTraitsOf } from '../../store/segment-users.ts';
import { loadTenantProfile } from '../../store/tenants/tenants.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import { previewMessage } from './preview.ts';

/** Sources of the cost of an estimate. */
export const COST_BASES = ['prices', 'history', 'unknown'] as const;

/** The cost of the messages of a channel. */
export interface EstimatedCost {
  readonly channel: Channel;
  readonly messages: number;
  readonly parts: number | null;
  readonly basis: (typeof COST_BASES)[number];
  /** Null, as the currency: unknown. */
  readonly amount: number | null;
  readonly currency: string | null;
}

/** The recipients of a sample who get a message. */
export interface CostQuestion {
  readonly tenantId: string;
  /** Notification type. */
  readonly type: string;
  readonly recipients: readonly {
    readonly userId: string;
    readonly given: { readonly kind: AddressKind; readonly address: string } | undefined;
    readonly variables: JsonObject;
    readonly channels: readonly Channel[];
  }[];
  /** By what a number of the sample is multiplied. */
  readonly factor: number;
  readonly now: Millis;
}

export interface CostParts {
  readonly pool: pg.Pool;
  readonly owner: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** URL of the installation, for the links in texts; null: it does not have one. */
  readonly publicUrl: string | null;
}

/** Texts that are rendered, at most; the others have as many parts as these on average. */
const MAX_RENDERED = 100;
/** Days whose messages count where there is no price. */
const HISTORY_DAYS = 31;
/** Costs are kept with six decimals. */
const DECIMALS = 1e6;

/**
 * Estimates what messages cost, by channel and currency: by the prices of the catalog, for the provider of the first account of
 * the channel; else by what messages of the type cost lately; else it is unknown, and the answer says so.
 */
export async function estimateCosts(parts: CostParts, question: CostQuestion): Promise<EstimatedCost[]> {
  const { tenantId, type, now, factor } = question;
  const bySize = await sizeMessages(parts, question);
  if (bySize.size === 0) return [];
  const catalog = await parts.catalogs.getActive(tenantId);
  const providers = await findProviders(parts.pool, tenantId, catalog);
  const history = await loadHistory(parts.pool, tenantId, type, now);
  const costs: EstimatedCost[] = [];
  for (const channel of CHANNELS) {
    const messages = bySize.get(channel);
    if (!messages) continue;
    const sums = new Map<string, { messages: number; parts: number; amount: number; basis: EstimatedCost['basis'] }>();
    for (const { number, parts: size } of messages) {
      const provider = providers.get(channel);
      const count = size ?? 1;
      const billed = {
        provider: provider ?? '',
        channel,
        parts: count,
        at: now,
        ...(number !== undefined && { number }),
      };
      const price = provider === undefined ? undefined : catalog.prices?.find(billed);
      const past = price ?? history.get(channel);
      const basis = price ? 'prices' : past ? 'history' : 'unknown';
      const key = `${basis} ${past?.currency ?? ''}`;
      const sum = sums.get(key) ?? { messages: 0, parts: 0, amount: 0, basis };
      sums.set(key, {
        ...{ messages: sum.messages + 1, parts: sum.parts + count, basis },
        amount: sum.amount + (past?.amount ?? 0),
      });
    }
    const isMeasured = messages.some(({ parts: size }) => size !== undefined);
    for (const [key, sum] of sums) {
      const currency = key.split(' ')[1] ?? '';
      costs.push({
        channel,
        messages: Math.round(sum.messages * factor),
        parts: isMeasured ? Math.round(sum.parts * factor) : null,
        basis: sum.basis,
        amount: sum.basis === 'unknown' ? null : Math.round(sum.amount * factor * DECIMALS) / DECIMALS,
        currency: currency === '' ? null : currency,
      });
    }
  }
  return costs;
}

/** A message of the sample. */
interface SizedMessage {
  /** In E.164 form; undefined: it goes to another kind of address. */
  readonly number: string | undefined;
  /** Segments of a text message; undefined: the channel does not have any. */
  readonly parts: number | undefined;
}

/** Returns the messages of the sample by channel. One without an address is not sent, and costs nothing. */
async function sizeMessages(parts: CostParts, question: CostQuestion): Promise<Map<Channel, SizedMessage[]>> {
  const { tenantId, recipients } = question;
  const catalog = await parts.catalogs.getActive(tenantId);
  const tenant = (await loadTenantProfile(parts.owner, tenantId)) ?? { name: '', settings: {} };
  const ids = recipients.map(({ userId }) => userId);
  const users = await loadTraitsOf(parts.pool, parts.seal, tenantId, ids, true);
  const traitsOf = new Map(users.map(({ userId, traits }) => [userId, traits]));
  const found = new Map<Channel, SizedMessage[]>();
  const sizes: number[] = [];
  for (const { userId, given, variables, channels } of recipients) {
    const traits = { ...traitsOf.get(userId), ...(given && { [given.kind]: given.address }) };
    for (const channel of channels) {
      const { addressKind } = CHANNEL_DESCRIPTORS[channel];
      if (isFree(channel)) continue;
      const address = addressKind === undefined ? undefined : traits[addressKind];
      if (addressKind !== undefined && typeof address !== 'string') continue;
      const number = addressKind === 'phone' ? String(address) : undefined;
      let size: number | undefined;
      if (CHANNEL_DESCRIPTORS[channel].isChargedBySegment) {
        const isEnough = sizes.length >= MAX_RENDERED;
        size = isEnough
          ? average(sizes)
          : measure(parts, catalog, tenant, { ...question, channel }, { userId, traits, variables });
        if (size !== undefined && !isEnough) sizes.push(size);
      }
      const list = found.get(channel) ?? [];
      list.push({ number, parts: size });
      found.set(channel, list);
    }
  }
  return found;
}

function average(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

/** Returns the segments of the text that a user gets; undefined: it cannot be rendered. */
function measure(
  { publicUrl }: CostParts,
  catalog: Catalog,
  tenant: TenantProfile,
  { type: notificationType, now, channel }: CostQuestion & { readonly channel: Channel },
  user: { readonly userId: string; readonly traits: JsonObject; readonly variables: JsonObject },
): number | undefined {
  // A template sees the variables of a request as those of its event, too.
  const input = { notificationType, channel, event: { properties: user.variables }, ...user } as const;
  const made = previewMessage(catalog, tenant, input, now, publicUrl);
  const text = made?.message?.text;
  return typeof text === 'string' ? measureSms(text).parts : undefined;
}

/** Whether messages of a channel stay within Tidings. */
function isFree(channel: Channel): boolean {
  return CHANNEL_DESCRIPTORS[channel].ownProvider !== undefined;
}

/**
 * Returns the provider by which the first messages of each channel go: that of the first account of its route, or of the
 * accounts; for the installation, the only one that prices name.
 */
async function findProviders(pool: pg.Pool, tenantId: string, catalog: Catalog): Promise<ReadonlyMap<Channel, string>> {
  const accounts = (await listAccounts(pool, tenantId)).filter(({ enabled }) => enabled);
  const found = new Map<Channel, string>();
  for (const channel of CHANNELS) {
    const own = accounts.filter(({ channels }) => channels.includes(channel));
    const entries = catalog.routes.get(channel)?.entries ?? [];
    const names = [...entries].sort((a, b) => a.tier - b.tier || b.weight - a.weight).map(({ account }) => account);
    const usable = names.find((name) => name === INSTALLATION_ACCOUNT || own.some(({ account }) => account === name));
    const first = names.length === 0 ? own[0] : own.find(({ account }) => account === usable);
    const priced = new Set(
      (catalog.data.prices ?? []).flatMap((one) => (one.channel === channel ? [one.provider] : [])),
    );
    const provider = first?.provider ?? (priced.size === 1 ? [...priced][0] : undefined);
    if (provider !== undefined) found.set(channel, provider);
  }
  return found;
}

/**
 * Returns what a message of the type cost lately on average, by channel; of several currencies the one with the most messages.
 */
async function loadHistory(
  pool: pg.Pool,
  tenantId: string,
  type: string,
  now: Millis,
): Promise<ReadonlyMap<Channel, { readonly amount: number; readonly currency: string }>> {
  const from = now - HISTORY_DAYS * DAY_MS;
  const rows = await summarizeCosts(pool, { tenantId, from, to: now, by: ['channel', 'type'] });
  const found = new Map<Channel, { readonly amount: number; readonly currency: string; readonly messages: number }>();
  for (const { channel, type: of, amount, currency, messages } of rows) {
    if (of !== type || channel === undefined || messages <= (found.get(channel)?.messages ?? 0)) continue;
    found.set(channel, { amount: amount / messages, currency, messages });
  }
  return found;
}
