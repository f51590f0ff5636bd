import { z } from 'zod';
import { storable, timestamp } from './common.ts';

/* The webhook portal: a page for the endpoints of a tenant, opened by a one-time link. */

export const newPortalLink = z
  .strictObject({
    name: storable(z.string().trim().min(1).max(100))
      .optional()
      .meta({ description: 'Name of who gets it, for the audit log', examples: ['Acme, Ann'] }),
  })
  .meta({ id: 'NewPortalLink', examples: [{ name: 'Acme, Ann' }] });

export const portalLink = z
  .object({
    url: z.string().meta({ examples: ['https://tidings.example/console/portal#write-the-secret-here'] }),
    expires_at: timestamp.describe('It works once, until then'),
  })
  .meta({ id: 'PortalLink', description: 'A link that opens the webhook portal once, also in a frame' });

export const usedPortalLink = z
  .strictObject({
    link: z
      .string()
      .max(200)
      .meta({ description: 'What follows the # of the link', examples: ['write-the-secret-here'] }),
  })
  .meta({ id: 'UsedPortalLink' });

export const portalSession = z
  .object({
    token: z.string().describe('For the header authorization: Bearer …; it reaches endpoints of webhooks alone'),
    expires_at: timestamp.describe('It ends then, or after 30 minutes without use'),
  })
  .meta({ id: 'PortalSession', description: 'A session of the webhook portal' });
