import { TidingsError } from '../errors.ts';
import { isPortalToken, type PortalSession, toPortalActor } from '../members/portal-links.ts';
import type { Scope } from '../model/principal.ts';
import type { Authenticator } from './authenticator.ts';

const SCOPES: ReadonlySet<Scope> = new Set(['webhooks:read', 'webhooks:write']);

/** Requests per minute of a session. */
const PER_MINUTE = 600;

/**
 * Recognizes sessions of the webhook portal: each may manage the endpoints of its tenant, and nothing else.
 * @param find returns the session of a token; undefined: it has ended
 */
export function portalSessions(find: (token: string) => Promise<PortalSession | undefined>): Authenticator {
  return ({ token }) => {
    if (token === undefined || !isPortalToken(token)) return undefined;
    return find(token).then((session) => {
      if (!session) throw new TidingsError('unauthorized', 'This session has ended; open the page by a new link.');
      const { tenantId, linkId } = session;
      return {
        tenantId,
        actor: toPortalActor(session),
        scopes: SCOPES,
        quota: { id: `portal ${linkId}`, perMinute: PER_MINUTE },
      };
    });
  };
}
