import { randomInt } from 'node:crypto';
import { TidingsError } from '../errors.ts';
import { ADDRESS_VERIFICATION, BUILT_IN_TYPES } from '../model/built-in-types.ts';
import { getChannelOfAddress } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import { ADDRESS_USER } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { CODE_MS, keepCode, tryCode, type VerifiedAddress } from '../store/address-verifications.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { findUserAddress, openUserAddress, type UserAddressView } from '../store/user-addresses.ts';
import { loadTraits } from '../store/users.ts';
import { isoTime } from '../time/iso-time.ts';
import { checkRequest } from './check-request.ts';
import { buildRequestedEvent } from './requested-event.ts';
import { type Asker, findCatalog, type SendParts } from './send-notifications.ts';

/** Which address of which user. */
export interface AddressOf {
  readonly userId: string;
  readonly addressId: string;
}

/** A code that was sent. */
export interface SentCode {
  readonly address_id: string;
  readonly expires_at: string;
  /** Null: the plan has dropped it. */
  readonly notification_id: string | null;
}

/**
 * Sends a code to an address by its own channel, as a notification of this type with the variables `code` and `minutes`. It
 * goes to the address, whatever the user makes their primary one meanwhile: by the user who is known by the address alone.
 * @param typeName absent: that of the catalog called ADDRESS_VERIFICATION, or else the built-in one
 * @returns undefined: the user has no such address
 * @throws TidingsError if the type is not fit for it, or codes are asked for too fast
 */
export async function sendCode(
  { pipeline, catalogs, pool, seal, clock }: SendParts,
  { tenantId, actor, scopes, operationId }: Asker,
  { userId, addressId }: AddressOf,
  typeName = ADDRESS_VERIFICATION,
): Promise<SentCode | undefined> {
  const now = clock();
  const code = String(randomInt(1_000_000)).padStart(6, '0');
  const found = await findUserAddress(pool, tenantId, userId, addressId);
  if (!found) return undefined;
  const { kind, hash } = found;
  const channel = getChannelOfAddress(kind) as Channel;
  const variables = { code, minutes: CODE_MS / 60_000 };
  const catalog = await findCatalog(catalogs, tenantId, typeName);
  const builtIn = catalog.rules.notifications.has(typeName) ? undefined : BUILT_IN_TYPES.get(typeName);
  const request = { type: typeName, recipients: [], channels: [channel], variables };
  const type = builtIn ?? checkRequest(request, catalog, scopes, now);
  if (type.category === 'MARKETING') {
    throw new TidingsError('invalid_notification', `${type.name} is MARKETING, and a code is not.`, {
      pointer: '/type',
    });
  }
  const text = openUserAddress(seal, tenantId, userId, found);
  if (text === undefined) {
    throw new TidingsError('not_readable', 'The address cannot be opened under the current encryption key.');
  }
  const address = { tenantId, userId, kind, hash };
  await storeCode(pool, address, toCodeHash(seal, address, code), now);
  const { locale, time_zone: zone } = await loadTraits(pool, seal, tenantId, userId);
  const item = buildRequestedEvent(
    {
      request: { type: type.name, channels: [channel], variables, expires_at: isoTime(now + CODE_MS) },
      scheduledAt: undefined,
      requestId: `req_${operationId}`,
      actor,
    },
    {
      userId: ADDRESS_USER + hash,
      eventId: `verify:${seal.sign(`verify ${operationId}\n${hash}`)}`,
      time: now,
      given: { kind, address: text },
      traits: {
        ...(typeof locale === 'string' && { locale }),
        ...(typeof zone === 'string' && { time_zone: zone }),
      },
    },
  );
  const [result] = await pipeline.ingest(tenantId, [item], false);
  if (result?.code !== undefined) throw new TidingsError('invalid_notification', `${result.message ?? result.code}.`);
  const id = result?.decisions.find(({ notification_id: made }) => made !== undefined)?.notification_id;
  return { address_id: addressId, expires_at: isoTime(now + CODE_MS), notification_id: id ?? null };
}

/** @throws TidingsError `rate_limited` */
async function storeCode(
  pool: SendParts['pool'],
  address: VerifiedAddress,
  codeHash: string,
  now: Millis,
): Promise<void> {
  const wait = await withTransaction(pool, (connection) => keepCode(connection, address, codeHash, now));
  if (wait === undefined) return;
  throw new TidingsError('rate_limited', 'Codes for this address are asked for too fast; wait, and use the last one.', {
    retryAfter: Math.ceil(wait / 1000),
  });
}

/**
 * Verifies an address by the code that was sent to it.
 * @returns the address; undefined: the user has no such address
 * @throws TidingsError `wrong_code`, `code_expired`
 */
export async function confirmCode(
  { pool, seal, clock }: Pick<SendParts, 'pool' | 'seal' | 'clock'>,
  { tenantId, actor }: Pick<Asker, 'tenantId' | 'actor'>,
  { userId, addressId }: AddressOf,
  code: string,
): Promise<UserAddressView | undefined> {
  const found = await findUserAddress(pool, tenantId, userId, addressId);
  if (!found) return undefined;
  const now = clock();
  const address = { tenantId, userId, kind: found.kind, hash: found.hash };
  const outcome = await withTransaction(pool, async (connection) => {
    const tried = await tryCode(connection, address, toCodeHash(seal, address, code), now);
    if (typeof tried === 'number') {
      const detail = { address_id: addressId, kind: found.kind };
      await appendAuditEntry(connection, { tenantId, actor, action: 'address.verified', subject: userId, detail }, now);
    }
    return tried;
  });
  if (outcome === 'wrong')
    throw new TidingsError('wrong_code', 'This is not the code that was sent.', { pointer: '/code' });
  if (outcome === 'no_code')
    throw new TidingsError('code_expired', 'No code is open: it has expired, was used, or was tried too often.', {
      pointer: '/code',
    });
  return (await findUserAddress(pool, tenantId, userId, addressId))?.view;
}

/** Returns the keyed hash by which a code is kept. */
export function toCodeHash(seal: Seal, { tenantId, userId, kind, hash }: VerifiedAddress, code: string): string {
  return seal.sign(`verification\n${tenantId}\n${userId}\n${kind} ${hash}\n${code}`);
}
