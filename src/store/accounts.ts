import type { Channel } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { RateLimit } from '../model/rate-limit.ts';
import { documentRow, openDocument, sealDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import { isoTime } from '../time/iso-time.ts';
import { deleteCircuitsOf } from './deliveries/circuits.ts';
import type { Connection } from './pg/pool.ts';
import { deleteMovesOf, endLoneMoves } from './route-moves.ts';

/** Channel of the announcement that an account has changed: processes load those of the tenants again. */
export const ACCOUNTS_CHANNEL = 'tidings_accounts';

/** An account of a tenant with a provider, without its secrets. */
export interface Account {
  readonly tenantId: string;
  /** Its name, unique in the tenant. */
  readonly account: string;
  /** Name of the provider, as in the registry. */
  readonly provider: string;
  /** Channels of the provider that it is used for. */
  readonly channels: readonly Channel[];
  /** As they were written, without the secrets. */
  readonly settings: JsonObject;
  /** Names of the secrets that are set. */
  readonly secrets: readonly string[];
  /** Rate limit of its messages; null: that of an ordinary account with its provider. */
  readonly limits: RateLimit | null;
  readonly enabled: boolean;
  /** Name of the account that its messages go by until that is undone; null: they go by itself. */
  readonly failoverTo: string | null;
  /** Order of choice among the accounts of a channel, from 1; of equal ones the name decides. */
  readonly place: number;
  /** The request that created it. */
  readonly operationId: string;
  /** From 1; grows with each change. */
  readonly revision: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/** An account with its secrets as they are stored; null: it has no secrets. */
export type SealedAccount = Account & { readonly sealed: Buffer | null };

/** Accounts of a tenant, at most. */
export const MAX_ACCOUNTS = 50;

const COLUMNS = `tenant_id as "tenantId", account, provider, channels, settings, secrets, limits, enabled, failover_to as "failoverTo", place, operation_id as "operationId",
  revision, created_at as "createdAt", updated_at as "updatedAt"`;

/** Returns the accounts of a tenant in order of choice, with what is sealed; at most MAX_ACCOUNTS. */
export async function listAccounts(connection: Connection, tenantId: string): Promise<SealedAccount[]> {
  const { rows } = await connection.query<SealedAccount>({
    name: 'list-provider-accounts',
    text: `select ${COLUMNS}, sealed from provider_accounts where tenant_id = $1 order by place, account limit ${MAX_ACCOUNTS}`,
    values: [tenantId],
  });
  return rows;
}

/** Returns accounts of all tenants in order of tenant and name, after a position. @param limit the most to return */
export async function listAllAccounts(
  owner: Connection,
  after: { readonly tenantId: string; readonly account: string } | null,
  limit: number,
): Promise<SealedAccount[]> {
  const { rows } = await owner.query<SealedAccount>(
    `select ${COLUMNS}, sealed from provider_accounts where (tenant_id, account) > ($1, $2)
     order by tenant_id, account limit $3`,
    [after?.tenantId ?? '', after?.account ?? '', limit],
  );
  return rows;
}

/** Returns the channels that enabled accounts of tenants are for. @param owner sees the rows of all tenants */
export async function listAccountChannels(owner: Connection): Promise<Channel[]> {
  const { rows } = await owner.query<{ channel: Channel }>(
    'select distinct unnest(channels) as channel from provider_accounts where enabled',
  );
  return rows.map(({ channel }) => channel);
}

/** Returns an account of a tenant; undefined: it does not exist. @param isLocked until the end of the transaction */
export async function loadAccount(
  connection: Connection,
  tenantId: string,
  account: string,
  isLocked = false,
): Promise<SealedAccount | undefined> {
  const { rows } = await connection.query<SealedAccount>(
    `select ${COLUMNS}, sealed from provider_accounts where tenant_id = $1 and account = $2 ${isLocked ? 'for update' : ''}`,
    [tenantId, account],
  );
  return rows[0];
}

/** Values of an account that a caller decides. */
export type WrittenAccount = Pick<
  Account,
  | 'tenantId'
  | 'account'
  | 'provider'
  | 'channels'
  | 'settings'
  | 'limits'
  | 'enabled'
  | 'failoverTo'
  | 'place'
  | 'operationId'
> & { readonly secrets: JsonObject };

/** Inserts an account, or replaces what is known of it. Returns it as it is then, and announces the change. */
export async function saveAccount(
  connection: Connection,
  seal: Seal,
  written: WrittenAccount,
  now: Millis,
): Promise<Account> {
  const { tenantId, account, secrets } = written;
  const names = Object.keys(secrets).sort();
  const sealed = names.length === 0 ? null : sealDocument(seal, JSON.stringify(secrets), rowOf(tenantId, account));
  const { rows } = await connection.query<Account>(
    `insert into provider_accounts (tenant_id, account, provider, channels, settings, sealed, secrets, enabled, place,
       operation_id, created_at, updated_at, limits, failover_to)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)
     on conflict (tenant_id, account) do update set channels = excluded.channels, settings = excluded.settings, sealed = excluded.sealed,
       secrets = excluded.secrets, limits = excluded.limits, enabled = excluded.enabled, failover_to = excluded.failover_to,
       place = excluded.place,
       revision = provider_accounts.revision + 1, updated_at = excluded.updated_at
     returning ${COLUMNS}`,
    [
      tenantId,
      account,
      written.provider,
      written.channels,
      JSON.stringify(written.settings),
      sealed,
      names,
      written.enabled,
      written.place,
      written.operationId,
      isoTime(now),
      written.limits === null ? null : JSON.stringify(written.limits),
      written.failoverTo,
    ],
  );
  // The mistake that stopped it may be corrected now.
  await deleteCircuitsOf(connection, tenantId, account);
  await deleteMovesOf(connection, tenantId, account, written.enabled ? written.channels : []);
  await endLoneMoves(connection, [tenantId]);
  await announceAccountChange(connection);
  return rows[0]!;
}

/** Deletes an account, and announces it. */
export async function deleteAccount(connection: Connection, tenantId: string, account: string): Promise<void> {
  await connection.query('delete from provider_accounts where tenant_id = $1 and account = $2', [tenantId, account]);
  await deleteCircuitsOf(connection, tenantId, account);
  await deleteMovesOf(connection, tenantId, account);
  await endLoneMoves(connection, [tenantId]);
  await announceAccountChange(connection);
}

/** Returns the secrets of an account by name; undefined: they cannot be opened. */
export function openSecrets(seal: Seal, { tenantId, account, sealed }: SealedAccount): JsonObject | undefined {
  return sealed === null ? {} : openDocument(seal, sealed, rowOf(tenantId, account));
}

/** Locks the accounts of a tenant until the end of the transaction: their number does not change meanwhile. */
export async function lockAccounts(connection: Connection, tenantId: string): Promise<void> {
  await connection.query("select pg_advisory_xact_lock(hashtext('tidings accounts'), hashtext($1))", [tenantId]);
}

/** In the transaction of the change: it cannot be lost between the two. */
async function announceAccountChange(connection: Connection): Promise<void> {
  await connection.query('select pg_notify($1, $2)', [ACCOUNTS_CHANNEL, '']);
}

function rowOf(tenantId: string, account: string) {
  return documentRow('provider_accounts', tenantId, account);
}

/** Returns the accounts of a tenant whose messages go by another one, in order of choice. */
export async function listFailedOver(
  connection: Connection,
  tenantId: string,
  limit: number,
): Promise<{ readonly account: string; readonly provider: string; readonly failoverTo: string }[]> {
  const { rows } = await connection.query<{ account: string; provider: string; failoverTo: string }>(
    `select account, provider, failover_to as "failoverTo" from provider_accounts
     where tenant_id = $1 and failover_to is not null and enabled order by place, account limit $2`,
    [tenantId, limit],
  );
  return rows;
}
