import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { Millis } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { lockAccess } from '../store/members/lock-access.ts';
import { insertLoginAttempt, type LinkedMember, takeLoginAttempt } from '../store/members/login-attempts.ts';
import { bindLogin, findSameMember, insertMember, updateMember } from '../store/members/members.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { lockTenant } from '../store/tenants/tenants.ts';
import { drawSecret, hashSecret } from './secrets.ts';
import type { LoginIdentity } from './sessions.ts';

/** Time in ms for which a link works. */
export const LINK_LIFETIME_MS: Millis = 10 * 60_000;

/** The owner that starts Tidings on this machine. */
const LOCAL_OWNER: Omit<LinkedMember, 'tenantId'> = { issuer: 'local', subject: 'owner', name: 'owner' };

/**
 * Makes a link that logs in an owner of a tenant, once. Its secret stands after the `#`, which browsers do not send: it is
 * in no log of a server or proxy.
 * @param url of the console
 */
export async function makeOwnerLink(owner: pg.Pool, tenantId: string, url: string, now: Millis): Promise<string> {
  const secret = drawSecret();
  const attempt = { sealed: null, member: { ...LOCAL_OWNER, tenantId }, expiresAt: now + LINK_LIFETIME_MS };
  await insertLoginAttempt(owner, hashSecret(secret), attempt, now);
  return `${url}/console/#/login/${secret}`;
}

/** Takes a link, and makes sure that its member is an owner. @throws TidingsError `link_used` */
export async function useOwnerLink(owner: pg.Pool, secret: string, now: Millis): Promise<LoginIdentity> {
  return withTransaction(owner, async (connection) => {
    const member = (await takeLoginAttempt(connection, hashSecret(secret), now))?.member;
    // A link of another kind logs in no owner, whatever its secret is made of.
    if (member?.issuer !== LOCAL_OWNER.issuer) {
      throw new TidingsError('link_used', 'This link was used already, or is older than 10 minutes; make a new one.');
    }
    const { tenantId, issuer, subject, name } = member;
    await lockAccess(connection, tenantId);
    const tenant = await lockTenant(connection, tenantId);
    if (!tenant || tenant.status === 'deleting') {
      throw new TidingsError('link_used', 'The tenant of this link was deleted; make one of another tenant.');
    }
    const known = await findSameMember(connection, tenantId, { issuer, subject, emailHash: null });
    const memberId = known?.memberId ?? freshId();
    const actor = systemActor('owner link');
    if (!known) {
      const row = {
        tenantId,
        memberId,
        issuer,
        subject,
        name,
        role: 'owner' as const,
        emailHash: null,
        emailMask: null,
      };
      await insertMember(connection, { ...row, addedBy: actor, addedAt: now });
    } else if (known.role !== 'owner') {
      await updateMember(connection, tenantId, memberId, { role: 'owner', name: known.name });
    }
    if (known?.role !== 'owner') {
      const before = known ? { role: known.role } : null;
      const action = known ? 'member.changed' : 'member.added';
      const entry = { tenantId, actor, action, subject: memberId, detail: {}, before, after: { role: 'owner' } };
      await appendAuditEntry(connection, entry, now);
    }
    await bindLogin(connection, { issuer, subject, emailHash: null }, now);
    return { issuer, subject, name };
  });
}
