import { isTestTenant, type Principal } from '../../model/principal.ts';

/** Returns a user as the one who holds a link that was sent to them. */
export function toLinkPrincipal(tenantId: string, userId: string): Principal {
  return {
    tenantId,
    userId,
    environment: isTestTenant(tenantId) ? 'test' : 'live',
    actor: { kind: 'user', id: userId, name: 'link', from: null },
    scopes: new Set(),
  };
}
