import { TidingsError } from '../../errors.ts';
import { type ConsentClaim, readConsent } from '../../privacy/consent-token.ts';
import type { App, HttpDependencies } from '../app.ts';
import { ConsentLink } from '../pages/consent-link.ts';
import { renderConsentPage } from '../pages/consent-page.ts';
import { showGonePage } from '../pages/gone-page.ts';
import { sendPage } from '../pages/page-frame.ts';
import { keepRawBodies } from '../raw-body.ts';
import { consentLinkParams } from '../schemas/consents.ts';
import { freeQuery, rawBody } from '../schemas/receipts.ts';

const MAX_BODY_BYTES = 16 * 1024;

/**
 * The page behind the link that confirms consent (double opt-in), without scripts. GET shows a button and changes nothing, because programs
 * that check mail follow links; POST records it, and may be repeated. The token is the only credential.
 */
export async function registerConsentLinkRoutes(app: App, parts: HttpDependencies): Promise<void> {
  const link = new ConsentLink(parts);
  const config = { scope: 'public', idempotent: false, takesAnyOrigin: true, errors: ['not_found'] } as const;
  const read = (token: string): ConsentClaim => {
    const claim = readConsent(parts.seal, token);
    if (!claim) throw new TidingsError('not_found', 'This link is not complete; copy it from the message once more.');
    return claim;
  };
  await app.register(async (scope) => {
    const raw = scope as unknown as App;
    keepRawBodies(raw);
    showGonePage(raw);
    raw.get(
      '/consent/:token',
      {
        config,
        schema: {
          hide: true,
          operationId: 'showConsentPage',
          summary: 'Show the page that confirms consent; changes nothing',
          tags: ['preferences'],
          params: consentLinkParams,
          querystring: freeQuery,
        },
      },
      async ({ params }, reply) => sendPage(reply, renderConsentPage(await link.show(read(params.token)))),
    );
    raw.post(
      '/consent/:token',
      {
        config,
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          hide: true,
          operationId: 'confirmConsent',
          summary: 'Confirm consent; may be repeated',
          tags: ['preferences'],
          params: consentLinkParams,
          querystring: freeQuery,
          body: rawBody,
        },
      },
      async ({ params, ip, headers }, reply) => {
        const page = await link.confirm(read(params.token), { ip, userAgent: headers['user-agent'] });
        return sendPage(reply, renderConsentPage(page));
      },
    );
  });
}
