import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../../errors.ts';
import { readTracking, type TrackingClaim } from '../../privacy/tracking-token.ts';
import { TrackingHits } from '../../receipts/tracking-hits.ts';
import type { App, HttpDependencies } from '../app.ts';
import { trackingQuery } from '../schemas/receipts.ts';

/** A transparent picture of one pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/**
 * The picture and the links of tracked email. A link leads only where its signature says; HEAD, and programs that fetch
 * links by themselves, are recorded apart from readers.
 */
export function registerTrackingRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, catalogs, seal, clock, log } = dependencies;
  const hits = new TrackingHits({ pool: database.owner, catalogs, seal, clock, log });
  const config = { scope: 'public', idempotent: false, isUnlimited: true, errors: ['not_found'] } as const;
  const take = async (request: FastifyRequest, token: string, isLink: boolean): Promise<TrackingClaim> => {
    const claim = readTracking(seal, token);
    if (!claim || (claim.url !== '') !== isLink)
      throw new TidingsError('not_found', 'This link is not complete; copy it from the message once more.');
    const { method, headers } = request;
    const purpose = [headers['sec-purpose'], headers.purpose, headers['x-purpose']].find((one) => one !== undefined);
    await hits.record(claim, { method, userAgent: headers['user-agent'], purpose: purpose?.toString() });
    return claim;
  };
  app.get(
    '/t/o',
    {
      config,
      schema: {
        hide: true,
        operationId: 'trackOpen',
        summary: 'Return the picture of an email, and note that it was opened',
        tags: ['receipts'],
        querystring: trackingQuery,
      },
    },
    async (request, reply) => {
      await take(request, request.query.m, false);
      return reply
        .type('image/gif')
        .header('cache-control', 'no-store')
        .header('cross-origin-resource-policy', 'cross-origin')
        .send(PIXEL);
    },
  );
  app.get(
    '/t/c',
    {
      config,
      schema: {
        hide: true,
        operationId: 'trackClick',
        summary: 'Lead to the page of a link of an email, and note that it was clicked',
        tags: ['receipts'],
        querystring: trackingQuery,
      },
    },
    async (request, reply) => {
      const { url } = await take(request, request.query.m, true);
      return reply.header('cache-control', 'no-store').header('x-robots-tag', 'noindex').redirect(url, 302);
    },
  );
}
