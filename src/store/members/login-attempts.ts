import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** A login under way, or a one-time link. */
export interface LoginAttempt {
  /** Parts that a login needs when the browser comes back; null: it is a one-time link. */
  readonly sealed: Buffer | null;
  /** Member that a one-time link logs in. */
  readonly member: LinkedMember | null;
}

export interface LinkedMember {
  readonly tenantId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
}

/** Logins under way at a time, in all; more are rejected until some end or expire. */
const MAX_ATTEMPTS = 10_000;
/** Expired rows that one insert deletes: more than it adds, so that they go. */
const MAX_DELETED = 100;

/** Inserts an attempt. Returns false: too many are under way. */
export async function insertLoginAttempt(
  owner: Connection,
  hash: Buffer,
  attempt: LoginAttempt & { readonly expiresAt: Millis },
  now: Millis,
): Promise<boolean> {
  await owner.query(
    `delete from login_attempts where state_hash in (
       select state_hash from login_attempts where expires_at < $1 order by expires_at limit ${MAX_DELETED})`,
    [isoTime(now)],
  );
  const { rowCount } = await owner.query(
    `insert into login_attempts (state_hash, sealed, member, expires_at)
     select $1, $2, $3, $4
     where $2::bytea is null or (select count(*) from (select from login_attempts limit ${MAX_ATTEMPTS}) as open) < ${MAX_ATTEMPTS}`,
    [hash, attempt.sealed, attempt.member && JSON.stringify(attempt.member), isoTime(attempt.expiresAt)],
  );
  return rowCount === 1;
}

/** Takes an attempt: it cannot be taken again, however many ask at the same time. Undefined: it is unknown, used or expired. */
export async function takeLoginAttempt(
  owner: Connection,
  hash: Buffer,
  now: Millis,
): Promise<LoginAttempt | undefined> {
  const { rows } = await owner.query<LoginAttempt & { expiresAt: Millis }>(
    'delete from login_attempts where state_hash = $1 returning sealed, member, expires_at as "expiresAt"',
    [hash],
  );
  const [row] = rows;
  return row && row.expiresAt > now ? { sealed: row.sealed, member: row.member } : undefined;
}
