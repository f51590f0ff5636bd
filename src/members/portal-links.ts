import { createHmac } from 'node:crypto';
import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { insertLoginAttempt, takeLoginAttempt } from '../store/members/login-attempts.ts';
import { insertSession, useSession } from '../store/members/sessions.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { drawSecret, hashSecret } from './secrets.ts';

/* The webhook portal: a page that a tenant shows its customers, opened by a one-time link, for its endpoints of webhooks alone. */

/** Time in ms for which a link works. */
const LINK_MS: Millis = 10 * 60_000;
/** Time in ms after which a session ends: since its latest use, and since its start. */
const IDLE_MS: Millis = 30 * 60_000;
const SESSION_MS: Millis = 4 * 3_600_000;
/** Tells portal links and sessions from those of members, which are in the same tables. */
const ISSUER = 'webhook portal';
/** Begins the token of a session. */
const TOKEN_PREFIX = 'tdp_';

/** A session of the portal. */
export interface PortalSession {
  readonly tenantId: string;
  /** Identifies the link that began it. */
  readonly linkId: string;
  /** Name of the one that the link was made for. */
  readonly name: string;
}

/** Returns whether a token is one of the portal. */
export function isPortalToken(token: string): boolean {
  return token.startsWith(TOKEN_PREFIX);
}

/** Makes a link that opens the portal of a tenant, once. Only its hash is stored. */
export async function makePortalLink(
  owner: pg.Pool,
  { tenantId, actor, name }: { readonly tenantId: string; readonly actor: Actor; readonly name: string },
  now: Millis,
): Promise<{ readonly secret: string; readonly expiresAt: Millis }> {
  const secret = drawSecret();
  const linkId = freshId();
  const expiresAt = now + LINK_MS;
  await withTransaction(owner, async (connection) => {
    const member = { tenantId, issuer: ISSUER, subject: linkId, name };
    await insertLoginAttempt(connection, toLinkHash(secret), { sealed: null, member, expiresAt }, now);
    const detail = { name };
    await appendAuditEntry(
      connection,
      { tenantId, actor, action: 'webhook_portal.link_made', subject: linkId, detail },
      now,
    );
  });
  return { secret, expiresAt };
}

/** Takes a link, and starts a session of the portal. Returns its token, which is stored as its hash. @throws TidingsError `link_used` */
export async function startPortalSession(
  owner: pg.Pool,
  secret: string,
  now: Millis,
): Promise<{ readonly token: string; readonly expiresAt: Millis }> {
  return withTransaction(owner, async (connection) => {
    const link = (await takeLoginAttempt(connection, toLinkHash(secret), now))?.member;
    if (link?.issuer !== ISSUER) {
      throw new TidingsError(
        'link_used',
        'This link was used already, or is older than 10 minutes; ask for a new one.',
      );
    }
    const { tenantId, subject: linkId, name } = link;
    const token = `${TOKEN_PREFIX}${drawSecret()}`;
    const expiresAt = now + SESSION_MS;
    const subject = `${tenantId} ${linkId}`;
    await insertSession(connection, hashSecret(token), { issuer: ISSUER, subject, name, expiresAt }, now);
    const actor = { ...toPortalActor({ tenantId, linkId, name }), from: null };
    await appendAuditEntry(
      connection,
      { tenantId, actor, action: 'webhook_portal.opened', subject: linkId, detail: {} },
      now,
    );
    return { token, expiresAt };
  });
}

/** Returns the session of a token; undefined: it has ended, or never was. */
export async function findPortalSession(
  owner: pg.Pool,
  token: string,
  now: Millis,
): Promise<PortalSession | undefined> {
  const session = await useSession(owner, hashSecret(token), now, IDLE_MS);
  if (session?.issuer !== ISSUER) return undefined;
  const at = session.subject.lastIndexOf(' ');
  return { tenantId: session.subject.slice(0, at), linkId: session.subject.slice(at + 1), name: session.name };
}

/** Returns who acts by a session, for the audit log. */
export function toPortalActor({ linkId, name }: PortalSession): Omit<Actor, 'from'> {
  return { kind: 'portal', id: linkId, name };
}

/** A keyed hash: no text that is sent to another route, which hashes it alone, has the same. */
function toLinkHash(secret: string): Buffer {
  return createHmac('sha256', ISSUER).update(secret).digest();
}
