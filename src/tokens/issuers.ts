import type pg from 'pg';
import { TidingsError, toOutdated } from '../errors.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Principal } from '../model/principal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { deleteIssuer, type Issuer, listIssuers, lockIssuer, saveIssuer } from '../store/members/issuers.ts';
import { lockAccess } from '../store/members/lock-access.ts';
import type { Connection } from '../store/pg/pool.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { isoTime } from '../time/iso-time.ts';
import { MAX_SET_BYTES } from './issuer-keys.ts';
import { findKeyFault } from './key-set.ts';
import { OWN_ISSUER } from './own-tokens.ts';

/** Issuers of a tenant, at most. */
const MAX_ISSUERS = 20;

/** An issuer as the API and the audit log show it. */
export interface IssuerView {
  readonly issuer: string;
  readonly jwks_url: string | null;
  readonly public_keys: JsonObject | null;
  readonly audiences: string[];
  readonly algorithms: string[];
  readonly user_claim: string;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
}

export type IssuerSettings = Omit<Issuer, 'tenantId' | 'revision' | 'createdAt' | 'updatedAt'>;

/** The one who manages the issuers of a tenant. */
export type IssuerManager = Pick<Principal, 'tenantId' | 'actor'>;

/**
 * Trusts an issuer, or changes one.
 *
 * @param pool of the tenant
 * @param expected the revision that the caller knows; undefined: any
 * @throws TidingsError `too_many_issuers`, `outdated`
 */
export async function putIssuer(
  pool: pg.Pool,
  manager: IssuerManager,
  settings: IssuerSettings,
  expected: number | undefined,
  now: Millis,
): Promise<{ readonly saved: Issuer; readonly isNew: boolean }> {
  const { tenantId } = manager;
  return withTransaction(pool, async (connection) => {
    await lockAccess(connection, tenantId);
    const known = await lockIssuer(connection, tenantId, settings.issuer);
    if (expected !== undefined && expected !== known?.revision) throw known ? toOutdated(known.revision) : toDeleted();
    if (!known && (await listIssuers(connection, tenantId)).length >= MAX_ISSUERS) {
      throw new TidingsError('too_many_issuers', `A tenant has at most ${MAX_ISSUERS} issuers; delete one first.`);
    }
    const saved = await saveIssuer(connection, { tenantId, ...settings }, now);
    await audit(connection, manager, known ? 'issuer.changed' : 'issuer.added', { before: known, after: saved }, now);
    return { saved, isNew: known === undefined };
  });
}

/**
 * Trusts an issuer no more. Returns it; undefined: no issuer has this name.
 *
 * @param expected as for `putIssuer`
 * @throws TidingsError `outdated`
 */
export async function removeIssuer(
  pool: pg.Pool,
  manager: IssuerManager,
  issuer: string,
  expected: number | undefined,
  now: Millis,
): Promise<Issuer | undefined> {
  return withTransaction(pool, async (connection) => {
    const known = await lockIssuer(connection, manager.tenantId, issuer);
    if (!known) return undefined;
    if (expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
    await deleteIssuer(connection, manager.tenantId, issuer);
    await audit(connection, manager, 'issuer.deleted', { before: known }, now);
    return known;
  });
}

/**
 * Checks the settings of an issuer, without a request to it.
 * @param client would fetch its keys
 * @throws TidingsError `invalid_issuer`
 */
export function checkIssuer({ issuer, jwksUrl, publicKeys }: IssuerSettings, client: GuardedClient): void {
  if (issuer.startsWith(OWN_ISSUER)) {
    throw new TidingsError('invalid_issuer', `An issuer that begins with ${OWN_ISSUER} is Tidings itself.`);
  }
  if ((jwksUrl === null) === (publicKeys === null)) {
    throw new TidingsError('invalid_issuer', 'Write either jwks_url or public_keys.', { pointer: '/jwks_url' });
  }
  const fault = jwksUrl === null ? undefined : client.findFault(jwksUrl);
  if (fault !== undefined) {
    const right = 'write an https:// URL with a public host name';
    throw new TidingsError('invalid_issuer', `jwks_url ${fault}; ${right}.`, { pointer: '/jwks_url' });
  }
  checkStaticKeys((publicKeys?.keys ?? []) as readonly JsonObject[]);
}

function checkStaticKeys(keys: readonly JsonObject[]): void {
  if (JSON.stringify(keys).length > MAX_SET_BYTES) {
    const message = 'public_keys has more than 64 KiB; leave out what is no part of the public keys, such as x5c.';
    throw new TidingsError('invalid_issuer', message, { pointer: '/public_keys' });
  }
  const ids = new Set<unknown>();
  keys.forEach((key, index) => {
    const fault = findKeyFault(key);
    const path = `public_keys.keys.${index}`;
    const pointer = `/public_keys/keys/${index}`;
    if (fault !== undefined) throw new TidingsError('invalid_issuer', `${path} ${fault}.`, { pointer });
    if (keys.length > 1 && (typeof key.kid !== 'string' || ids.has(key.kid))) {
      throw new TidingsError('invalid_issuer', `${path}.kid must be a text of its own: a token names its key by it.`, {
        pointer: `${pointer}/kid`,
      });
    }
    ids.add(key.kid);
  });
}

function toDeleted(): TidingsError {
  const message = 'The issuer was deleted since; leave out If-Match to add it again.';
  return new TidingsError('outdated', message, { pointer: 'if-match' });
}

export function toIssuerView(issuer: Issuer): IssuerView {
  return {
    issuer: issuer.issuer,
    jwks_url: issuer.jwksUrl,
    public_keys: issuer.publicKeys,
    audiences: [...issuer.audiences],
    algorithms: [...issuer.algorithms],
    user_claim: issuer.userClaim,
    revision: issuer.revision,
    created_at: isoTime(issuer.createdAt),
    updated_at: isoTime(issuer.updatedAt),
  };
}

async function audit(
  connection: Connection,
  { tenantId, actor }: IssuerManager,
  action: string,
  { before, after }: { readonly before?: Issuer | undefined; readonly after?: Issuer },
  now: Millis,
): Promise<void> {
  const subject = (after ?? before)?.issuer ?? '';
  const states = { before: toState(before), after: toState(after) };
  await appendAuditEntry(connection, { tenantId, actor, action, subject, detail: {}, ...states }, now);
}

function toState(issuer: Issuer | undefined): JsonObject | null {
  return issuer === undefined ? null : ({ ...toIssuerView(issuer) } as unknown as JsonObject);
}
