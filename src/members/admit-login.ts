import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import type { Seal } from '../privacy/seal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { bindLogin, listMemberships } from '../store/members/members.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { LoginError } from './login-error.ts';
import { toMemberAddress } from './member-address.ts';
import type { LoginIdentity } from './sessions.ts';

const MAX_NAME_CHARS = 100;
/** Longest subject, as OpenID Connect says, with room to spare. */
const MAX_SUBJECT_CHARS = 512;

/** Claims that the provider made about the one that logged in. */
export interface LoginClaims {
  readonly iss: string;
  readonly sub: string;
  readonly [claim: string]: unknown;
}

/**
 * Returns the login that was proved, which is that of a member. Open invitations of the address are bound to the login
 * if the provider has verified the address: otherwise anyone could claim one.
 * @throws LoginError `not_a_member`
 */
export async function admitLogin(
  { owner, seal, now }: { readonly owner: pg.Pool; readonly seal: Seal; readonly now: Millis },
  { iss: issuer, sub: subject, email, email_verified, name, preferred_username }: LoginClaims,
): Promise<LoginIdentity> {
  if (subject === '' || subject.length > MAX_SUBJECT_CHARS || subject.includes('\0')) {
    throw new LoginError('login_failed', 'the subject cannot be stored');
  }
  const isProven = typeof email === 'string' && email_verified === true;
  const emailHash = isProven ? toMemberAddress(seal, email).emailHash : null;
  return withTransaction(owner, async (connection) => {
    const joined = await bindLogin(connection, { issuer, subject, emailHash }, now);
    for (const { tenantId, memberId } of joined) {
      const states = { before: { state: 'invited', issuer: null }, after: { state: 'active', issuer } };
      const entry = { tenantId, actor: systemActor('login'), action: 'member.joined', subject: memberId, detail: {} };
      await appendAuditEntry(connection, { ...entry, ...states }, now);
    }
    const [first] = await listMemberships(connection, issuer, subject);
    if (!first) throw new LoginError('not_a_member', 'no tenant has this member');
    const given = [name, preferred_username].find((text) => typeof text === 'string' && text.trim() !== '');
    return { issuer, subject, name: toName(given as string | undefined) ?? first.name };
  });
}

/** Returns a name to show, without control characters and not an address; undefined: it does not exist. */
function toName(text: string | undefined): string | undefined {
  if (text === undefined || text.includes('@') || !text.isWellFormed()) return undefined;
  return text.replace(/\p{C}/gu, ' ').trim().slice(0, MAX_NAME_CHARS) || undefined;
}
