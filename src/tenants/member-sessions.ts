import { TidingsError } from '../errors.ts';
import type { Sessions } from '../members/sessions.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import { ROLES, type Scope } from '../model/principal.ts';
import type { Membership } from '../store/members/members.ts';
import type { Authenticator } from './authenticator.ts';

/**
 * Recognizes members by the cookie of their session. A key or token in the same request counts instead. A cookie without a
 * session is of an earlier login, or of another server on this machine: it says nothing.
 */
export function memberSessions(sessions: Sessions): Authenticator {
  return ({ token, headers, tenantId }) => {
    if (token !== undefined || !sessions.hasCookie(headers)) return undefined;
    return sessions.find(headers).then((found) => {
      if (!found) return undefined;
      const { tenantId: chosen, role, memberId, name } = chooseMembership(found.memberships, tenantId);
      const scopes: ReadonlySet<Scope> = new Set(ROLES[role]);
      return { tenantId: chosen, actor: { kind: 'member', id: memberId, name }, scopes };
    });
  };
}

/** Without a tenant that is named: that of the installation, or else the first one. */
function chooseMembership(memberships: readonly Membership[], tenantId: string | undefined): Membership {
  const find = (id: string) => memberships.find((membership) => membership.tenantId === id);
  const chosen = tenantId === undefined ? (find(DEFAULT_TENANT) ?? memberships[0]) : find(tenantId);
  if (chosen) return chosen;
  if (tenantId !== undefined && memberships.length > 0) {
    throw new TidingsError('not_found', 'There is no such tenant; correct x-tidings-tenant, or leave it out.');
  }
  throw new TidingsError('not_a_member', 'You are logged in, but a member of no tenant; ask an owner to add you.');
}
