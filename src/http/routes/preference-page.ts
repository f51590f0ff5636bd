import type { FastifyReply } from 'fastify';
import type { App, HttpDependencies } from '../app.ts';
import { showGonePage } from '../pages/gone-page.ts';
import { sendPage } from '../pages/page-frame.ts';
import { PreferenceLink } from '../pages/preference-link.ts';
import { type PreferencePage, renderPreferencePage } from '../pages/preference-page.ts';
import { keepRawBodies } from '../raw-body.ts';
import { preferenceLinkParams } from '../schemas/preferences.ts';
import { freeQuery, rawBody } from '../schemas/receipts.ts';

/** A form of some thousand switches. */
const MAX_BODY_BYTES = 256 * 1024;

/**
 * The page of a user's preferences behind a signed link, without scripts. GET changes nothing, because programs that check mail
 * follow links. The token is the only credential, so that another page cannot act for its holder; browsers send no origin from
 * a page without referrers.
 */
export async function registerPreferencePageRoutes(app: App, parts: HttpDependencies): Promise<void> {
  const link = new PreferenceLink(parts);
  const config = { scope: 'public', idempotent: false, takesAnyOrigin: true, errors: ['not_found'] } as const;
  await app.register(async (scope) => {
    const raw = scope as unknown as App;
    keepRawBodies(raw);
    showGonePage(raw);
    raw.get(
      '/preferences/:token',
      {
        config,
        schema: {
          hide: true,
          operationId: 'showPreferencePage',
          summary: 'Show the page of preferences; changes nothing',
          tags: ['preferences'],
          params: preferenceLinkParams,
          querystring: freeQuery,
        },
      },
      async ({ params }, reply) => send(reply, await link.show(await link.read(params.token))),
    );
    raw.post(
      '/preferences/:token',
      {
        config,
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          hide: true,
          operationId: 'savePreferencePage',
          summary: 'Save the page of preferences, stop messages, or ask for a new link',
          tags: ['preferences'],
          params: preferenceLinkParams,
          querystring: freeQuery,
          body: rawBody,
        },
      },
      async ({ params, body }, reply) => {
        const claim = await link.read(params.token);
        const form = new URLSearchParams(Buffer.isBuffer(body) ? body.toString('utf8') : '');
        switch (form.get('action')) {
          case 'save':
            return send(reply, await link.save(claim, form));
          case 'stop':
            return send(reply, await link.stop(claim));
          case 'fresh':
            return send(reply, await link.sendFresh(claim));
          default:
            return send(reply, await link.show(claim));
        }
      },
    );
  });
}

function send(reply: FastifyReply, page: PreferencePage): FastifyReply {
  return sendPage(reply, renderPreferencePage(page));
}
