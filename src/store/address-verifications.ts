import type pg from 'pg';
import type { AddressKind, Millis } from '../model/event.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import type { Connection } from './pg/pool.ts';

/* Codes that prove that a user reads what is sent to an address, and when they did. Changed under the lock of the user. */

/** Time in ms for which a code is of use. */
export const CODE_MS: Millis = 15 * 60_000;
/** Times that one code may be tried. */
const MAX_TRIES = 5;
/** Pause in ms between two codes for one address, and codes for it in a day. */
const RESEND_MS: Millis = 60_000;
const MAX_CODES_PER_DAY = 10;

/** An address of a user, by its keyed hash. */
export interface VerifiedAddress {
  readonly tenantId: string;
  readonly userId: string;
  readonly kind: AddressKind;
  readonly hash: string;
}

/**
 * Keeps the hash of a new code in the place of the last one, which is then of no use.
 * @returns ms to wait, if too many were sent; undefined: it is kept
 */
export async function keepCode(
  connection: pg.PoolClient,
  { tenantId, userId, kind, hash }: VerifiedAddress,
  codeHash: string,
  now: Millis,
): Promise<Millis | undefined> {
  const { rows } = await connection.query<{ sent_at: Millis | null; day_from: Millis | null; codes: number }>(
    `select sent_at, day_from, codes from address_verifications
     where tenant_id = $1 and user_id = $2 and kind = $3 and hash = $4 for update`,
    [tenantId, userId, kind, hash],
  );
  const known = rows[0];
  const isSameDay = known?.day_from != null && now < known.day_from + DAY_MS;
  if (known?.sent_at != null && now < known.sent_at + RESEND_MS) return known.sent_at + RESEND_MS - now;
  if (isSameDay && known.codes >= MAX_CODES_PER_DAY) return (known.day_from as Millis) + DAY_MS - now;
  await connection.query(
    `insert into address_verifications as v (tenant_id, user_id, kind, hash, code_hash, sent_at, expires_at, day_from, codes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (tenant_id, user_id, kind, hash) do update
     set code_hash = excluded.code_hash, tries = 0, sent_at = excluded.sent_at, expires_at = excluded.expires_at,
         day_from = excluded.day_from, codes = excluded.codes`,
    [
      tenantId,
      userId,
      kind,
      hash,
      codeHash,
      isoTime(now),
      isoTime(now + CODE_MS),
      isoTime(isSameDay ? (known.day_from as Millis) : now),
      isSameDay ? known.codes + 1 : 1,
    ],
  );
  return undefined;
}

/**
 * Compares a code with the one that was sent, and counts the try. The right one verifies the address, and is of no use after
 * it.
 * @returns when the address was verified; `no_code`: none is open, for it was used, tried too often or has expired
 */
export async function tryCode(
  connection: pg.PoolClient,
  { tenantId, userId, kind, hash }: VerifiedAddress,
  codeHash: string,
  now: Millis,
): Promise<Millis | 'wrong' | 'no_code'> {
  const { rows } = await connection.query<{ is_right: boolean }>(
    `update address_verifications
     set tries = tries + 1, code_hash = case when code_hash = $5 then null else code_hash end,
         verified_at = case when code_hash = $5 then $6 else verified_at end,
         method = case when code_hash = $5 then 'code' else method end
     where tenant_id = $1 and user_id = $2 and kind = $3 and hash = $4
       and code_hash is not null and tries < ${MAX_TRIES} and expires_at > $6
     returning code_hash is null as is_right`,
    [tenantId, userId, kind, hash, codeHash, isoTime(now)],
  );
  const tried = rows[0];
  if (!tried) return 'no_code';
  return tried.is_right ? now : 'wrong';
}

/** Moves what was verified to another user, who keeps what they have. */
export async function moveVerifications(
  connection: Connection,
  { tenantId, from, into }: { readonly tenantId: string; readonly from: string; readonly into: string },
): Promise<void> {
  await connection.query(
    `with moved as (delete from address_verifications where tenant_id = $1 and user_id = $2 returning *)
     insert into address_verifications as v (tenant_id, user_id, kind, hash, day_from, codes, sent_at, verified_at, method)
     select tenant_id, $3, kind, hash, day_from, codes, sent_at, verified_at, method from moved
     on conflict (tenant_id, user_id, kind, hash) do update
     set verified_at = coalesce(v.verified_at, excluded.verified_at), method = coalesce(v.method, excluded.method)`,
    [tenantId, from, into],
  );
}
