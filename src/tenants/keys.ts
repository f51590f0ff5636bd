import { createHash } from 'node:crypto';
import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { type Environment, type Principal, type Scope, testTenantId } from '../model/principal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import {
  countActiveKeys,
  ensureTestTenant,
  environmentOf,
  insertKey,
  type KeyPosition,
  listKeys,
  loadKey,
  lockKey,
  type StoredKey,
  updateKey,
} from '../store/keys/api-keys.ts';
import type { Connection } from '../store/pg/pool.ts';
import { LAST_TIME } from '../time/iso-time.ts';
import { changeAnnounced } from './announced-change.ts';
import { generateKey, toKeyId } from './key-text.ts';
import { type KeyView, toKeyView } from './key-view.ts';

/** The one who manages keys: gives no scope that it does not have. */
export type KeyManager = Pick<Principal, 'tenantId' | 'environment' | 'actor' | 'scopes'>;

export interface KeyRequest {
  readonly name: string;
  readonly environment: Environment;
  readonly scopes: readonly Scope[];
  readonly isInstallation: boolean;
  /** Requests per minute; null: the default. */
  readonly perMinute: number | null;
  /** Null: never. */
  readonly expiresAt: Millis | null;
  /**
   * Identifies the request. A repetition, of a request whose process died before its response was kept, gives the key of the first
   * another text: the first one was not seen by anyone. Absent: there is no repetition.
   */
  readonly operationId?: string;
}

/** Changes to a key; what is absent stays. */
export type KeyChange = Partial<Pick<KeyRequest, 'name' | 'scopes' | 'perMinute' | 'expiresAt'>>;

/** A key together with its text, which is shown this once. */
export interface IssuedKey {
  readonly key: KeyView;
  readonly text: string;
}

/** Bounds the keys of a tenant that are neither expired nor revoked. */
export const MAX_ACTIVE_KEYS = 1000;

/**
 * API keys of tenants. A live manager sees the keys of its tenant and of the test tenant beside it; a test manager sees test
 * keys only; keys of the installation are shown to those who may create tenants. Every change is in the audit log.
 */
export class Keys {
  readonly #pool: pg.Pool;
  readonly #clock: () => Millis;
  readonly #onChange: () => void;

  /**
   * @param pool that of the owner
   * @param onChange called after a change was committed; other processes learn of it by KEYS_CHANNEL
   */
  constructor(pool: pg.Pool, clock: () => Millis, onChange: () => void = () => {}) {
    this.#pool = pool;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  async list(manager: KeyManager, limit: number, before: KeyPosition | null): Promise<KeyView[]> {
    const withInstallation = isOfInstallation(manager);
    const keys = await listKeys(this.#pool, tenantsOf(manager), { limit, before, withInstallation });
    return keys.map((key) => toKeyView(key, this.#clock()));
  }

  /** @throws TidingsError `not_found` */
  async get(manager: KeyManager, keyId: string): Promise<KeyView> {
    return toKeyView(requireVisible(manager, await loadKey(this.#pool, keyId)), this.#clock());
  }

  /** @throws TidingsError `forbidden` (a scope that the manager does not have), `invalid_request`, `too_many_keys` */
  async create(manager: KeyManager, request: KeyRequest): Promise<IssuedKey> {
    requireScopes(manager, request.scopes);
    requireGrantable(manager, request);
    const now = this.#clock();
    requireFuture(request.expiresAt, now);
    return this.#change(async (connection) => {
      const tenantId =
        request.environment === environmentOf(manager.tenantId)
          ? manager.tenantId
          : await ensureTestTenant(connection, manager.tenantId);
      await requireRoom(connection, tenantId, now);
      const issued = await issue(connection, manager, { ...request, tenantId, rotatedFrom: null }, now);
      await audit(connection, manager, 'key.created', { after: issued.key }, now);
      return issued;
    });
  }

  /** @throws TidingsError `not_found`, `forbidden`, `key_ended` */
  async update(manager: KeyManager, keyId: string, change: KeyChange): Promise<KeyView> {
    const now = this.#clock();
    if (change.expiresAt !== undefined) requireFuture(change.expiresAt, now);
    return this.#change(async (connection) => {
      const key = await this.#lock(connection, manager, keyId);
      requireScopes(manager, [...key.scopes, ...(change.scopes ?? [])]);
      requireGrantable(manager, {
        ...key,
        environment: environmentOf(key.tenantId),
        scopes: change.scopes ?? key.scopes,
      });
      requireActive(key, now);
      const changed = { ...key, ...change };
      const [before, after] = [toKeyView(key, now), toKeyView(changed, now)];
      if (JSON.stringify(before) === JSON.stringify(after)) return after;
      await updateKey(connection, changed);
      await audit(connection, manager, 'key.changed', { before, after }, now);
      return after;
    });
  }

  /**
   * Issues a key in the place of another one, with the same rights. It lives as long as the other one would have lived from its
   * creation.
   *
   * @param overlap time in ms for which both are valid
   * @param operationId as in `KeyRequest`
   * @throws TidingsError `not_found`, `forbidden`, `key_ended`, `too_many_keys`
   */
  async rotate(
    manager: KeyManager,
    keyId: string,
    overlap: Millis,
    operationId?: string,
  ): Promise<IssuedKey & { readonly replaced: KeyView }> {
    const now = this.#clock();
    return this.#change(async (connection) => {
      const key = await this.#lock(connection, manager, keyId);
      requireScopes(manager, key.scopes);
      requireActive(key, now);
      const isRepeated = operationId !== undefined && key.replacedBy === toKeyId(operationId);
      if (key.replacedBy !== null && !isRepeated) {
        throw new TidingsError(
          'key_ended',
          `The key was rotated already; rotate ${key.replacedBy}, which replaces it.`,
        );
      }
      await requireRoom(connection, key.tenantId, now);
      const lifetime = key.expiresAt === null ? null : key.expiresAt - key.createdAt;
      const expiresAt = lifetime === null ? null : Math.min(now + lifetime, LAST_TIME);
      const issued = await issue(
        connection,
        manager,
        { ...key, expiresAt, rotatedFrom: keyId, ...(operationId && { operationId }) },
        now,
      );
      if (isRepeated) return { ...issued, replaced: toKeyView(key, now) };
      const replaced = {
        ...key,
        expiresAt: Math.min(key.expiresAt ?? Number.POSITIVE_INFINITY, now + overlap),
        replacedBy: issued.key.key_id,
      };
      await updateKey(connection, replaced);
      const before = toKeyView(key, now);
      const after = toKeyView(replaced, now);
      await audit(
        connection,
        manager,
        'key.rotated',
        { before, after, detail: { replaced_by: issued.key.key_id } },
        now,
      );
      return { ...issued, replaced: after };
    });
  }

  /** Ends a key at once. A key that has ended already stays as it is. @throws TidingsError `not_found` */
  async revoke(manager: KeyManager, keyId: string): Promise<KeyView> {
    const now = this.#clock();
    return this.#change(async (connection) => {
      const key = await this.#lock(connection, manager, keyId);
      if (key.revokedAt !== null) return toKeyView(key, now);
      const revoked = { ...key, revokedAt: now };
      await updateKey(connection, revoked);
      const after = toKeyView(revoked, now);
      await audit(connection, manager, 'key.revoked', { before: toKeyView(key, now), after }, now);
      return after;
    });
  }

  async #lock(connection: Connection, manager: KeyManager, keyId: string): Promise<StoredKey> {
    return requireVisible(manager, await lockKey(connection, tenantsOf(manager), keyId));
  }

  #change<T>(work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
    return changeAnnounced(this.#pool, this.#onChange, work);
  }
}

/** Tenants whose keys a manager manages. */
function tenantsOf({ tenantId, environment }: KeyManager): string[] {
  return environment === 'live' ? [tenantId, testTenantId(tenantId)] : [tenantId];
}

function isOfInstallation({ scopes }: KeyManager): boolean {
  return scopes.has('tenants:write');
}

/** A key of another tenant, or of the installation, is as unknown as one that does not exist. */
function requireVisible(manager: KeyManager, key: StoredKey | null): StoredKey {
  const isVisible =
    key && tenantsOf(manager).includes(key.tenantId) && (!key.isInstallation || isOfInstallation(manager));
  if (!isVisible) throw new TidingsError('not_found', 'There is no such key.');
  return key;
}

function requireScopes({ scopes }: KeyManager, wanted: readonly Scope[]): void {
  const missing = wanted.filter((scope) => !scopes.has(scope));
  if (missing.length === 0) return;
  throw new TidingsError(
    'forbidden',
    `A key cannot be given, or changed with, what you may not do: ${missing.join(', ')}.`,
  );
}

/** Checks that a key of this kind can have these scopes. */
function requireGrantable(
  manager: KeyManager,
  { environment, isInstallation, scopes }: Pick<KeyRequest, 'environment' | 'isInstallation' | 'scopes'>,
): void {
  if (isInstallation && !isOfInstallation(manager)) {
    throw new TidingsError('forbidden', 'A key of the installation needs the scope tenants:write.');
  }
  if (environment === 'live' && manager.environment === 'test') {
    throw new TidingsError('forbidden', 'A test key cannot create live keys.');
  }
  if (isInstallation && environment === 'test') {
    throw new TidingsError('invalid_request', 'A key of the installation is live; leave out environment.', {
      pointer: '/environment',
    });
  }
  const wide = scopes.find((scope) => scope.startsWith('tenants:'));
  if (wide !== undefined && !isInstallation) {
    throw new TidingsError('invalid_request', `The scope ${wide} needs a key with is_installation.`, {
      pointer: '/scopes',
    });
  }
}

function requireFuture(expiresAt: Millis | null, now: Millis): void {
  if (expiresAt !== null && expiresAt > LAST_TIME) {
    throw new TidingsError('invalid_request', 'expires_at is after the year 9999 in UTC; write null for never.', {
      pointer: '/expires_at',
    });
  }
  if (expiresAt === null || expiresAt > now) return;
  throw new TidingsError('invalid_request', 'expires_at is past; write a time in the future.', {
    pointer: '/expires_at',
  });
}

function requireActive(key: StoredKey, now: Millis): void {
  const { status } = toKeyView(key, now);
  if (status === 'active') return;
  throw new TidingsError('key_ended', `The key is ${status}; create a new one.`);
}

async function requireRoom(connection: Connection, tenantId: string, now: Millis): Promise<void> {
  const count = await countActiveKeys(connection, tenantId, now);
  if (count === undefined) throw new TidingsError('not_found', 'There is no such tenant.');
  if (count < MAX_ACTIVE_KEYS) return;
  throw new TidingsError('too_many_keys', `The tenant has ${MAX_ACTIVE_KEYS} active keys; revoke those of no use.`);
}

async function issue(
  connection: Connection,
  { actor }: KeyManager,
  wanted: Omit<KeyRequest, 'environment'> & Pick<StoredKey, 'tenantId' | 'rotatedFrom'>,
  now: Millis,
): Promise<IssuedKey> {
  const { operationId, tenantId } = wanted;
  const { keyId, text } = generateKey(
    environmentOf(tenantId),
    operationId === undefined ? undefined : toKeyId(operationId),
  );
  const key = {
    tenantId: wanted.tenantId,
    keyId,
    name: wanted.name,
    hash: createHash('sha256').update(text).digest(),
    last4: text.slice(-4),
    isInstallation: wanted.isInstallation,
    scopes: [...new Set(wanted.scopes)].sort(),
    perMinute: wanted.perMinute,
    createdBy: actor,
    createdAt: now,
    expiresAt: wanted.expiresAt,
    rotatedFrom: wanted.rotatedFrom,
  };
  await insertKey(connection, key);
  return { text, key: toKeyView({ ...key, revokedAt: null, replacedBy: null, lastUsedAt: null }, now) };
}

async function audit(
  connection: Connection,
  { tenantId, actor }: KeyManager,
  action: string,
  { before, after, detail = {} }: { before?: KeyView; after: KeyView; detail?: JsonObject },
  now: Millis,
): Promise<void> {
  const states = { before: before ? toState(before) : null, after: toState(after) };
  await appendAuditEntry(connection, { tenantId, actor, action, subject: after.key_id, detail, ...states }, now);
}

function toState(view: KeyView): JsonObject {
  return { ...view } as unknown as JsonObject;
}
