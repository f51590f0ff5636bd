import { TidingsError } from '../../errors.ts';
import { systemActor } from '../../model/principal.ts';
import { isSuppressible } from '../../model/suppression.ts';
import { signPreferences } from '../../privacy/preferences-token.ts';
import { readUnsubscribe, type UnsubscribeClaim } from '../../privacy/unsubscribe-token.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { addSuppressions } from '../../store/suppressions.ts';
import type { App, HttpDependencies } from '../app.ts';
import { toLinkPrincipal } from '../pages/link-principal.ts';
import { Preferences } from '../preferences.ts';
import { keepRawBodies } from '../raw-body.ts';
import { freeQuery, rawBody } from '../schemas/receipts.ts';
import { unsubscribeParams } from '../schemas/suppressions.ts';

const MAX_BODY_BYTES = 16 * 1024;

/**
 * The page behind the link of an email. GET shows a button and changes nothing, because programs that check mail follow links;
 * POST acts, also that of a mail program (RFC 8058), and may be repeated. It is accepted from any origin: a mail program may be a page
 * of another one, and old browsers do not send that of a page without referrers. It has no limit by address: a mail service sends the
 * requests of all its readers from few addresses.
 */
export async function registerUnsubscribeRoutes(app: App, parts: HttpDependencies): Promise<void> {
  const { database, seal, clock } = parts;
  const config = {
    scope: 'public',
    idempotent: false,
    takesAnyOrigin: true,
    isUnlimited: true,
    errors: ['not_found'],
  } as const;
  const read = (token: string): UnsubscribeClaim => {
    const claim = readUnsubscribe(seal, token);
    if (!claim) throw new TidingsError('not_found', 'This link is not complete; copy it from the message once more.');
    return claim;
  };
  /** Returns the way on to everything else that the reader may choose. */
  const linkPage = ({ userId, issuedAt, ...claim }: UnsubscribeClaim): string => {
    if (userId === undefined || issuedAt === undefined || userId === '') return '';
    const { tenantId, channel, addressHash } = claim;
    const token = signPreferences(seal, { tenantId, userId, channel, addressHash, issuedAt });
    return `<p><a href="/preferences/${token}">Choose what else is sent to you</a></p>`;
  };
  const preferences = new Preferences(parts);
  /** Notes what the reader said among their preferences, so that nothing is decided for them in vain. The address is suppressed in any case. */
  const noteChoice = async ({ tenantId, userId, channel, scope }: UnsubscribeClaim): Promise<void> => {
    const [kind, category = ''] = scope.split(':');
    if (userId === undefined || userId === '' || kind !== 'category') return;
    const change = { categories: { [category]: { [channel]: false } } };
    try {
      await preferences.change(toLinkPrincipal(tenantId, userId), userId, change as never, false);
    } catch (error) {
      // They are erased, or the tenant has locked the category on.
      if (!(error instanceof TidingsError && error.status < 500)) throw error;
    }
  };
  await app.register(async (scope) => {
    const raw = scope as unknown as App;
    keepRawBodies(raw);
    raw.get(
      '/unsubscribe/:token',
      {
        config,
        schema: {
          hide: true,
          operationId: 'showUnsubscribe',
          summary: 'Show the page to unsubscribe; changes nothing',
          tags: ['receipts'],
          params: unsubscribeParams,
          querystring: freeQuery,
        },
      },
      async ({ params }, reply) => {
        const claim = read(params.token);
        const about = toWords(claim.scope);
        return reply
          .type('text/html; charset=utf-8')
          .header('cache-control', 'no-store')
          .header('x-robots-tag', 'noindex')
          .send(
            toPage(
              'Unsubscribe',
              `<p>Do you want no more ${about} at this address?</p><form method="post"><button type="submit">Unsubscribe</button></form>${linkPage(claim)}`,
            ),
          );
      },
    );
    raw.post(
      '/unsubscribe/:token',
      {
        config,
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          hide: true,
          operationId: 'unsubscribe',
          summary: 'Unsubscribe by one click (RFC 8058); may be repeated',
          tags: ['receipts'],
          params: unsubscribeParams,
          querystring: freeQuery,
          body: rawBody,
        },
      },
      async ({ params }, reply) => {
        const claim = read(params.token);
        const { tenantId, channel, addressHash, scope: left, deliveryId } = claim;
        if (!isSuppressible(channel)) throw new TidingsError('not_found', 'This link is not complete.');
        const now = clock();
        const evidence = { source: 'link', delivery_id: deliveryId };
        const added = await withTransaction(database.forTenant(tenantId), async (connection) => {
          const { rows } = await connection.query(
            `select status from tenants where tenant_id = $1 and status <> 'deleting'`,
            [tenantId],
          );
          if (rows.length === 0) throw new TidingsError('not_found', 'The sender of this message is gone.');
          return addSuppressions(
            connection,
            [
              {
                tenantId,
                channel,
                addressHash,
                addressMask: null,
                scope: left,
                reason: 'unsubscribed',
                since: now,
                until: null,
                evidence,
              },
            ],
            systemActor('unsubscribe link'),
            now,
          );
        });
        if (added.length > 0) await noteChoice(claim);
        return reply
          .type('text/html; charset=utf-8')
          .header('cache-control', 'no-store')
          .send(toPage('Unsubscribed', `<p>This address gets no more ${toWords(left)}.</p>${linkPage(claim)}`));
      },
    );
  });
}

/** Returns a scope in words of a reader. */
function toWords(scope: string): string {
  const [kind, name = ''] = scope.split(':');
  return kind === 'category' && /^[A-Z]+$/.test(name) ? `${name.toLowerCase()} messages` : 'messages of this kind';
}

function toPage(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}
