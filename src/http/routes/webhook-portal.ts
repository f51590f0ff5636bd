import { makePortalLink, startPortalSession } from '../../members/portal-links.ts';
import { maskText } from '../../privacy/mask.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { newPortalLink, portalLink, portalSession, usedPortalLink } from '../schemas/webhook-portal.ts';

const TAGS = ['webhooks'];

/** One-time links that open the webhook portal, and its sessions. */
export function registerWebhookPortalRoutes(app: App, { database, clock, publicUrl }: HttpDependencies): void {
  app.post(
    '/api/v1/webhooks/portal-links',
    {
      // A repetition makes another link: the first answer, with its secret, is kept nowhere.
      config: { scope: 'webhooks:write', idempotent: false },
      schema: {
        operationId: 'createWebhookPortalLink',
        summary:
          'Make a link that opens the page of the webhook endpoints once, within 10 minutes, for those who may do nothing else',
        tags: TAGS,
        body: newPortalLink.nullish(),
        response: { 201: portalLink },
      },
    },
    async ({ principal: { tenantId, actor }, body, protocol, host }, reply) => {
      const name = maskText(body?.name ?? 'webhook portal');
      const { secret, expiresAt } = await makePortalLink(database.owner, { tenantId, actor, name }, clock());
      // After the #, which browsers do not send: it is in no log of a server or proxy.
      const url = `${publicUrl ?? `${protocol}://${host}`}/console/portal#${secret}`;
      return reply
        .status(201)
        .header('cache-control', 'no-store')
        .send({ url, expires_at: isoTime(expiresAt) });
    },
  );

  app.post(
    '/api/v1/webhooks/portal-sessions',
    {
      config: { scope: 'public', errors: ['link_used'] },
      schema: {
        operationId: 'startWebhookPortalSession',
        summary: 'Start a session of the webhook portal by a one-time link',
        tags: TAGS,
        body: usedPortalLink,
        response: { 201: portalSession },
      },
    },
    async ({ body }, reply) => {
      const { token, expiresAt } = await startPortalSession(database.owner, body.link, clock());
      return reply
        .status(201)
        .header('cache-control', 'no-store')
        .send({ token, expires_at: isoTime(expiresAt) });
    },
  );
}
