import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** The login of a member to the console. */
export interface Session {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly expiresAt: Millis;
}

/** Sessions of one member, at most: the one used longest ago ends. */
const MAX_SESSIONS = 20;
/** Expired rows that one login deletes. */
const MAX_DELETED = 100;

/** Inserts a session; deletes expired ones, and those beyond the bound of its member. */
export async function insertSession(owner: Connection, hash: Buffer, session: Session, now: Millis): Promise<void> {
  await owner.query(
    `delete from sessions where session_hash in (
       select session_hash from sessions where expires_at < $1 order by expires_at limit ${MAX_DELETED})`,
    [isoTime(now)],
  );
  await owner.query(
    `insert into sessions (session_hash, issuer, subject, name, created_at, seen_at, expires_at)
     values ($1, $2, $3, $4, $5, $5, $6)`,
    [hash, session.issuer, session.subject, session.name, isoTime(now), isoTime(session.expiresAt)],
  );
  await owner.query(
    `delete from sessions where session_hash in (
       select session_hash from sessions where issuer = $1 and subject = $2 order by seen_at desc offset ${MAX_SESSIONS})`,
    [session.issuer, session.subject],
  );
}

/**
 * Returns a session that has not expired, and records that it was used, at most once a minute.
 * @param idle time in ms after the latest use at which it ends
 */
export async function useSession(
  owner: Connection,
  hash: Buffer,
  now: Millis,
  idle: Millis,
): Promise<Session | undefined> {
  const { rows } = await owner.query<Session & { seenAt: Millis }>(
    `select issuer, subject, name, expires_at as "expiresAt", seen_at as "seenAt" from sessions
     where session_hash = $1 and expires_at > $2 and seen_at > $3`,
    [hash, isoTime(now), isoTime(now - idle)],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { seenAt, ...session } = row;
  if (now - seenAt > MIN_SEEN_PAUSE_MS) {
    await owner.query('update sessions set seen_at = $2 where session_hash = $1 and seen_at < $2', [
      hash,
      isoTime(now),
    ]);
  }
  return session;
}

/** Time in ms between two recorded uses of a session. */
const MIN_SEEN_PAUSE_MS: Millis = 60_000;

export async function deleteSession(owner: Connection, hash: Buffer): Promise<void> {
  await owner.query('delete from sessions where session_hash = $1', [hash]);
}
