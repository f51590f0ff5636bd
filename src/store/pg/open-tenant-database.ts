import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import {
  createApiRole,
  findBypass,
  findWrongRights,
  getApiRole,
  grantApiRights,
  loadSessionRole,
} from './api-login.ts';
import { getSqlState } from './errors.ts';
import { getTimeouts, openPool } from './pool.ts';
import { findPoolMode, requireRoleSettings, saveRoleSettings, withLoginOf } from './pooler.ts';
import type { Replica } from './replica.ts';
import { isolatedDatabase, sharedDatabase, type TenantDatabase } from './tenant-database.ts';
import { prepareTenantSession } from './tenant-pool.ts';

interface Hasher {
  hash(text: string): string;
}

export interface ApiLoginSettings {
  /** URL of the owner. */
  readonly url: string;
  /** URL of the API login; null: Tidings makes the login itself, if the owner may create roles. */
  readonly apiUrl: string | null;
  /** URL of the owner at the server itself, if `url` leads to a pooler in transaction mode; otherwise null. */
  readonly directUrl: string | null;
  /** Hashes as every process of the installation does: the password of a login that Tidings makes is such a hash. */
  readonly seal: Hasher;
  /** Whether roles and rights may be changed; otherwise `tidings migrate` does. */
  readonly migrates: boolean;
}

/** The login of the API, or why the API has no login of its own. */
type ApiLogin =
  | { readonly url: string; readonly role: string; readonly isPooled: boolean }
  | { readonly cause: string };

/**
 * Opens the connections of the API: under a login of its own that row-level security holds for or, without one in an
 * installation with one tenant, under that of the owner.
 *
 * @param owner connections of the owner to the migrated database
 * @param options.max connections of the API
 * @param options.replica answers some of its reads; absent or null: there is no replica
 * @param options.onShared called if the API has no login of its own, with the cause
 * @throws ConfigError if the login that was configured cannot be used, or the installation has several tenants and no login
 */
export async function openTenantDatabase(
  owner: pg.Pool,
  settings: ApiLoginSettings,
  options: {
    readonly max: number;
    readonly name: string;
    readonly onShared: (cause: string) => void;
    readonly replica?: Replica | null;
  },
): Promise<TenantDatabase> {
  const login = await openApiLogin(owner, settings);
  const { max, name, replica = null } = options;
  if ('url' in login) {
    const { isPooled } = login;
    const requests = openPool(login.url, { max, name, prepare: prepareTenantSession, isPooled });
    return isolatedDatabase(owner, requests, login.role, ...(replica ? [{ replica, url: login.url }] : []));
  }
  if (settings.apiUrl !== null) throw new ConfigError(`TIDINGS_API_DATABASE_URL cannot be used: ${login.cause}`);
  if ((await countLiveTenants(owner)) > 1) {
    throw new ConfigError(
      `this installation has several tenants, and nothing but Tidings itself would keep them apart: ${login.cause}; ` +
        'set TIDINGS_API_DATABASE_URL to a login that row-level security holds for (docs/security.md)',
    );
  }
  options.onShared(login.cause);
  return sharedDatabase(openPool(settings.url, { max, name, isPooled: settings.directUrl !== null }), replica);
}

/** Prepares the API login at the server itself, and returns the URL by which a pooler, if there is one, is reached as this login. */
async function openApiLogin(owner: pg.Pool, settings: ApiLoginSettings): Promise<ApiLogin> {
  const { url, apiUrl, directUrl } = settings;
  if (directUrl === null) return prepareApiLogin(owner, settings);
  const direct = { ...settings, url: directUrl, apiUrl: apiUrl === null ? null : withLoginOf(directUrl, apiUrl) };
  const login = await prepareApiLogin(owner, direct);
  if ('cause' in login) return login;
  // Before the pooler opens a server connection: it has the settings that its role had then.
  await saveRoleSettings(login.url, getTimeouts(url));
  const pooledUrl = apiUrl ?? withLoginOf(url, login.url);
  const reached = await connect(pooledUrl);
  if (typeof reached !== 'string') return reached;
  const variable = apiUrl === null ? 'DATABASE_URL' : 'TIDINGS_API_DATABASE_URL';
  const isPooled = (await findPoolMode(pooledUrl, variable)) === 'transaction';
  if (isPooled) await requireRoleSettings(pooledUrl, variable);
  return { url: pooledUrl, role: login.role, isPooled };
}

/** Counts the tenants of the installation; a test tenant belongs to its live one. */
export async function countLiveTenants(owner: pg.Pool): Promise<number> {
  const { rows } = await owner.query<{ count: number }>(
    `select count(*) as count from tenants where environment = 'live'`,
  );
  return rows[0]?.count ?? 0;
}

/**
 * Makes the API login, unless one is configured, grants it its rights, and proves that row-level security holds for it. Does
 * nothing if all is as it should be. Several processes may call it at the same time; an interrupted call is completed by the
 * next one.
 *
 * @throws an error of the connection if the database cannot be reached
 */
export async function prepareApiLogin(
  owner: pg.Pool,
  { url, apiUrl, seal, migrates }: Omit<ApiLoginSettings, 'directUrl'>,
): Promise<ApiLogin> {
  const login = apiUrl === null ? await makeLogin(owner, url, seal, migrates) : { url: apiUrl };
  if ('cause' in login) return login;
  const role = await connect(login.url);
  if (typeof role !== 'string') return role;
  if (migrates) {
    try {
      await grantApiRights(owner, role);
    } catch (error) {
      if (!isRejected(error)) throw error;
      return { cause: `its rights cannot be granted: ${(error as Error).message}` };
    }
  }
  const cause = await findBypass(owner, role);
  if (cause !== null) return { cause };
  const [table] = await findWrongRights(owner, role);
  if (table !== undefined)
    return { cause: `the role ${role} has other rights on ${table} than it needs; run tidings migrate` };
  return { url: login.url, role, isPooled: false };
}

/** Returns the URL of the login that Tidings makes itself. Its password is the same in every process, and never stored. */
async function makeLogin(
  owner: pg.Pool,
  url: string,
  seal: Hasher,
  migrates: boolean,
): Promise<{ readonly url: string } | { readonly cause: string }> {
  const role = await getApiRole(owner);
  const password = seal.hash(`database login\n${role}`);
  // Parameters take precedence over the user and the password before the host.
  const own = `${url}${url.includes('?') ? '&' : '?'}user=${role}&password=${encodeURIComponent(password)}`;
  const found = await connect(own);
  if (typeof found === 'string' || !migrates) return typeof found === 'string' ? { url: own } : found;
  try {
    await createApiRole(owner, role, password);
  } catch (error) {
    if (!isRejected(error)) throw error;
    return { cause: 'the login of DATABASE_URL must not create roles' };
  }
  // A pooler with a list of users of its own does not know the new login.
  const made = await connect(own);
  return typeof made === 'string' ? { url: own } : made;
}

/** Returns the role under which a URL connects, or why the server rejects it. */
async function connect(url: string): Promise<string | { readonly cause: string }> {
  const pool = openPool(url, { max: 1, name: 'tidings login' });
  try {
    return await loadSessionRole(pool);
  } catch (error) {
    // 28: invalid authorization. 3D000 and 42501: no such database, or no right to connect to it. PgBouncer has one code for all.
    const isUnknown =
      getSqlState(error) === '08P01' && /no such user|authentication failed/.test((error as Error).message);
    if (!isUnknown && !/^(28|3D000|42501)/.test(getSqlState(error))) throw error;
    return { cause: `the server rejects the login of the API: ${(error as Error).message}` };
  } finally {
    await pool.end();
  }
}

/** Returns whether the owner lacks a right. */
function isRejected(error: unknown): boolean {
  return getSqlState(error) === '42501';
}
