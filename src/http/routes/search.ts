import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import { toEventKey } from '../../events/envelope.ts';
import { toNameKey } from '../../lib/text/name-key.ts';
import { parseDeliveryId } from '../../model/delivery-id.ts';
import type { AddressKind } from '../../model/event.ts';
import type { Principal, Scope } from '../../model/principal.ts';
import { toNormalAddress } from '../../privacy/normal-address.ts';
import type { Seal } from '../../privacy/seal.ts';
import { findUsersByName, findUsersWithAddress, searchUserIds } from '../../store/find-users.ts';
import {
  type Found,
  findByProviderMessage,
  findDelivery,
  findEvent,
  findNotification,
  findTemplates,
  findWaitsByKey,
} from '../../store/search.ts';
import type { App, HttpDependencies } from '../app.ts';
import { MAX_RESULTS, SEARCHED_KINDS, type SearchedKind, searchBody, searchResults } from '../schemas/search.ts';

/** Scope without which a kind is left out. */
const NEEDED: { readonly [kind in SearchedKind]: Scope } = {
  user: 'users:read',
  event: 'decisions:read',
  notification: 'notifications:read',
  delivery: 'deliveries:read',
  wait: 'waits:read',
  notification_type: 'catalog:read',
  rule: 'catalog:read',
  event_type: 'catalog:read',
  template: 'templates:read',
};

/** One more than is shown, which says that there is more. */
const LIMIT = MAX_RESULTS + 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type FoundBy = 'id' | 'name' | 'email' | 'phone' | 'provider_message_id' | 'key';
type Result = Found & { readonly found_by: FoundBy };

interface Search {
  readonly pool: pg.Pool;
  readonly tenantId: string;
  readonly text: string;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
}

/** One search over everything that has a name, an id or an address: at most one indexed look-up of each. */
export function registerSearchRoutes(app: App, { database, catalogs, seal }: HttpDependencies): void {
  app.post(
    '/api/v1/search',
    {
      config: { scope: 'users:read', idempotent: false },
      schema: {
        operationId: 'search',
        summary: `Find users, events, notifications, deliveries, waits, rules, types and templates; at most ${MAX_RESULTS} of each`,
        tags: ['search'],
        body: searchBody,
        response: { 200: searchResults },
      },
    },
    async ({ principal, body: { text } }) => {
      const { tenantId } = principal;
      const search = { pool: database.forTenant(tenantId), tenantId, text, catalogs, seal };
      const searched = SEARCHED_KINDS.filter((kind) => maySee(principal, kind));
      const results: (Result & { readonly kind: SearchedKind })[] = [];
      const hasMore: SearchedKind[] = [];
      const partly: SearchedKind[] = [];
      for (const kind of searched) {
        const { found, isWhole = true } = await LOOK_UPS[kind](search);
        if (found.length > MAX_RESULTS) hasMore.push(kind);
        if (!isWhole) partly.push(kind);
        results.push(...found.slice(0, MAX_RESULTS).map((one) => ({ kind, ...one })));
      }
      return {
        results,
        searched,
        not_searched: SEARCHED_KINDS.filter((kind) => !searched.includes(kind)).map((kind) => ({
          kind,
          scope: NEEDED[kind],
        })),
        has_more: hasMore,
        partly_searched: partly,
      };
    },
  );
}

function maySee({ scopes }: Principal, kind: SearchedKind): boolean {
  return scopes.has(NEEDED[kind]);
}

interface LookUp {
  readonly found: readonly Result[];
  /** Absent: everything was looked at. */
  readonly isWhole?: boolean;
}

const LOOK_UPS: { readonly [kind in SearchedKind]: (search: Search) => Promise<LookUp> } = {
  user: findUsers,
  event: async ({ pool, tenantId, text }) => ({
    found: by('id', await findEvent(pool, tenantId, { eventId: text, key: toEventKey(text) })),
  }),
  notification: async ({ pool, tenantId, text }) => ({
    found: UUID.test(text) ? by('id', await findNotification(pool, tenantId, text.toLowerCase())) : [],
  }),
  delivery: findDeliveries,
  wait: async ({ pool, tenantId, text }) => ({ found: by('key', await findWaitsByKey(pool, tenantId, text, LIMIT)) }),
  notification_type: (search) => findNames(search, 'notifications'),
  rule: (search) => findNames(search, 'rules'),
  event_type: (search) => findNames(search, 'events'),
  template: async ({ pool, tenantId, text }) => ({
    found: by('name', await findTemplates(pool, tenantId, text, LIMIT)),
  }),
};

/** Users by address if the text has the form of one, by their id, and by their name; each once. */
async function findUsers({ pool, tenantId, text, seal }: Search): Promise<LookUp> {
  const kind = toAddressKind(text);
  const hash = kind && seal.sign(toNormalAddress(kind, text));
  const withAddress = kind && hash ? await findUsersWithAddress(pool, tenantId, { kind, hash }) : [];
  const { userIds, isWhole } = await searchUserIds(pool, tenantId, text, LIMIT);
  const name = toNameKey(text);
  const named = name === null ? [] : await findUsersByName(pool, tenantId, { name, after: null, limit: LIMIT });
  const found = new Map<string, Result>();
  const add = (user_id: string, found_by: FoundBy, shown: string | null) => {
    if (!found.has(user_id))
      found.set(user_id, { id: user_id, found_by, user_id, name: shown, status: null, at: null });
  };
  for (const { user_id } of withAddress) add(user_id, kind ?? 'id', null);
  for (const userId of userIds) add(userId, 'id', null);
  for (const { user_id, name } of named) add(user_id, 'name', name);
  return { found: [...found.values()].slice(0, LIMIT), isWhole };
}

/** Returns what kind of address a text looks like; undefined: none. */
function toAddressKind(text: string): AddressKind | undefined {
  if (/^[^@\s]+@[^@\s]+$/.test(text)) return 'email';
  return /^\+\d{4,15}$/.test(toNormalAddress('phone', text)) ? 'phone' : undefined;
}

async function findDeliveries({ pool, tenantId, text }: Search): Promise<LookUp> {
  const id = parseDeliveryId(text);
  const byId = id ? await findDelivery(pool, tenantId, id) : [];
  const byMessage = await findByProviderMessage(pool, tenantId, text, LIMIT);
  const others = byMessage.filter((one) => !byId.some(({ id }) => id === one.id));
  return { found: [...by('id', byId), ...by('provider_message_id', others)].slice(0, LIMIT) };
}

/** Names of the active catalog that have the text, in small or capital letters; those that begin with it first. */
async function findNames(
  { catalogs, tenantId, text }: Search,
  part: 'notifications' | 'rules' | 'events',
): Promise<LookUp> {
  const { data } = await catalogs.getActive(tenantId);
  const wanted = text.toLowerCase();
  const names = data[part].map(({ name }) => name).filter((name) => name.toLowerCase().includes(wanted));
  const rank = (name: string) => (name.toLowerCase().startsWith(wanted) ? 0 : 1);
  const first = names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, LIMIT);
  return {
    found: by(
      'name',
      first.map((id) => ({ id, user_id: null, name: null, status: null, at: null })),
    ),
  };
}

function by(found_by: FoundBy, found: readonly Found[]): Result[] {
  return found.map((one) => ({ ...one, found_by }));
}
