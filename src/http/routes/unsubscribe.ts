import { TidingsError } from '../../errors.ts';
import type { JsonObject } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import { isSuppressible } from '../../model/suppression.ts';
import { signPreferences } from '../../privacy/preferences-token.ts';
import { readUnsubscribe, type UnsubscribeClaim } from '../../privacy/unsubscribe-token.ts';
import { findSurvivor } from '../../store/merge/merged-users.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { addSuppressions, findAddressMask } from '../../store/suppressions.ts';
import { loadPlanUsers } from '../../store/terms.ts';
import type { App, HttpDependencies } from '../app.ts';
import { showGonePage } from '../pages/gone-page.ts';
import { toLinkPrincipal } from '../pages/link-principal.ts';
import { sendPage } from '../pages/page-frame.ts';
import { goneLink, loadPageTenant } from '../pages/page-tenant.ts';
import { findPageTexts } from '../pages/page-texts.ts';
import { renderUnsubscribe, renderUnsubscribed, type UnsubscribePage } from '../pages/unsubscribe-page.ts';
import { Preferences } from '../preferences.ts';
import { keepRawBodies } from '../raw-body.ts';
import { freeQuery, rawBody } from '../schemas/receipts.ts';
import { unsubscribeParams } from '../schemas/suppressions.ts';

const MAX_BODY_BYTES = 16 * 1024;

/**
 * The page behind the link of an email. GET shows a button and changes nothing, because programs that check mail follow links;
 * POST acts, also that of a mail program (RFC 8058), and may be repeated. It is accepted from any origin: a mail program may be
 * a page of another one, and old browsers do not send that of a page without referrers. It has no limit by address: a mail
 * service sends the requests of all its readers from few addresses.
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
  const read = async (token: string): Promise<UnsubscribeClaim> => {
    const claim = readUnsubscribe(seal, token);
    if (!claim) throw new TidingsError('not_found', 'This link is not complete; copy it from the message once more.');
    const { tenantId, userId } = claim;
    if (userId === undefined || userId === '') return claim;
    return { ...claim, userId: await findSurvivor(database.forTenant(tenantId), tenantId, userId) };
  };
  /** Returns the page of the tenant, in the language of the reader, with the way on to everything else that they may choose. */
  const setPage = async ({ userId, issuedAt, ...claim }: UnsubscribeClaim): Promise<UnsubscribePage> => {
    const { tenantId, channel, addressHash, scope } = claim;
    const isKnown = userId !== undefined && userId !== '' && issuedAt !== undefined;
    const tenant = await loadPageTenant(database.owner, tenantId);
    const locales = [isKnown ? await loadLocale(tenantId, userId) : undefined, tenant.settings.locale];
    return {
      tenant,
      texts: findPageTexts(locales),
      scope,
      preferencesToken: isKnown
        ? signPreferences(seal, { tenantId, userId, channel, addressHash, issuedAt })
        : undefined,
    };
  };
  const loadLocale = async (tenantId: string, userId: string): Promise<string | undefined> => {
    const [user] = await loadPlanUsers(database.forTenant(tenantId), [{ tenantId, userId }]);
    return textOf(user?.profile.traits.locale);
  };
  const preferences = new Preferences(parts);
  /**
   * Notes what the reader said among their preferences, so that nothing is decided for them in vain. The address is suppressed
   * in any case.
   */
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
    showGonePage(raw);
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
      async ({ params }, reply) => sendPage(reply, renderUnsubscribe(await setPage(await read(params.token)))),
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
        const claim = await read(params.token);
        const { tenantId, channel, addressHash, scope: left, deliveryId } = claim;
        if (!isSuppressible(channel)) throw goneLink();
        const now = clock();
        const evidence = { source: 'link', delivery_id: deliveryId };
        const page = await setPage(claim);
        const added = await withTransaction(database.forTenant(tenantId), async (connection) => {
          const addressMask = await findAddressMask(connection, tenantId, addressHash);
          const address = { tenantId, channel, addressHash, addressMask };
          return addSuppressions(
            connection,
            [{ ...address, scope: left, reason: 'unsubscribed', since: now, until: null, evidence }],
            systemActor('unsubscribe link'),
            now,
          );
        });
        if (added.length > 0) await noteChoice(claim);
        return sendPage(reply, renderUnsubscribed(page));
      },
    );
  });
}

function textOf(value: JsonObject[string] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
