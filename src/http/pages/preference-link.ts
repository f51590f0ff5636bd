import { createHash } from 'node:crypto';
import { TidingsError } from '../../errors.ts';
import { PREFERENCES_LINK } from '../../model/built-in-types.ts';
import type { Channel } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import { isOptOut, isSuppressible } from '../../model/suppression.ts';
import { sendNotifications } from '../../notify/send-notifications.ts';
import { type PreferencesClaim, readPreferences } from '../../privacy/preferences-token.ts';
import { findSurvivor } from '../../store/merge/merged-users.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { liftUnsubscribed, listSuppressions } from '../../store/suppressions.ts';
import { loadAddressMask } from '../../store/terms.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import type { HttpDependencies } from '../app.ts';
import { type LoadedPreferences, Preferences } from '../preferences.ts';
import { toLinkPrincipal } from './link-principal.ts';
import { type FormChange, listSwitches, type PageSwitch, type PageSwitches, readForm } from './page-switches.ts';
import { goneLink, loadPageTenant } from './page-tenant.ts';
import { findPageTexts } from './page-texts.ts';
import type { PreferencePage } from './preference-page.ts';

/** Days after which a link only lets its reader stop messages, unless the tenant says otherwise. */
const DEFAULT_LINK_DAYS = 30;
/** Time in which one new link is sent to a user at most, in ms. */
const LINK_INTERVAL_MS = 3_600_000;
/** Suppressions of one address that are looked at. */
const MAX_SUPPRESSIONS = 100;

/** The page behind a link, for the one who holds it. */
export class PreferenceLink {
  readonly #parts: HttpDependencies;
  readonly #preferences: Preferences;

  constructor(parts: HttpDependencies) {
    this.#parts = parts;
    this.#preferences = new Preferences(parts);
  }

  /** Returns what a token says; of a user who was merged since it was sent that of the survivor. @throws TidingsError `not_found` */
  async read(token: string): Promise<PreferencesClaim> {
    const claim = readPreferences(this.#parts.seal, token);
    if (!claim) throw new TidingsError('not_found', 'This link is not complete; copy it from the message once more.');
    const { tenantId, userId } = claim;
    return { ...claim, userId: await findSurvivor(this.#parts.database.forTenant(tenantId), tenantId, userId) };
  }

  /** Returns the page. @throws TidingsError `not_found` if the user or the tenant is gone */
  async show(
    claim: PreferencesClaim,
    notice?: 'saved' | 'stopped' | 'freshSent' | 'freshNotSent',
  ): Promise<PreferencePage> {
    const { tenantId, userId, channel, addressHash, issuedAt } = claim;
    const { database, clock } = this.#parts;
    const tenant = await loadPageTenant(database.owner, tenantId);
    const loaded = await this.#preferences.load(tenantId, userId).catch(toGone);
    const mask = await loadAddressMask(database.forTenant(tenantId), tenantId, userId, addressHash);
    const { traits } = loaded.question.user.profile;
    const texts = findPageTexts([textOf(traits.locale), tenant.settings.locale]);
    const days = tenant.settings.preference_link_days ?? DEFAULT_LINK_DAYS;
    const isFresh = mask !== undefined && clock() - issuedAt <= days * DAY_MS;
    return {
      texts,
      tenant,
      address: mask ?? '…',
      switches: isFresh ? await this.#listSwitches(loaded, claim) : undefined,
      canSendLink: loaded.rules.notifications.get(PREFERENCES_LINK)?.channels.includes(channel as Channel) ?? false,
      ...(notice && { notice: texts[notice] }),
    };
  }

  /** Saves a form of a link that is not old, and returns the page as it is then. */
  async save(claim: PreferencesClaim, form: URLSearchParams): Promise<PreferencePage> {
    const page = await this.show(claim);
    if (!page.switches) return page;
    const { tenantId, userId } = claim;
    const { question } = await this.#preferences.load(tenantId, userId);
    const found = readForm(page.switches, form, question.terms);
    if (found) await this.#change(claim, found);
    return this.show(claim, 'saved');
  }

  /** Stops what is not necessary by the channel of the link: every link may do that, however old. */
  async stop(claim: PreferencesClaim): Promise<PreferencePage> {
    await this.show(claim);
    const change = { channels: { [claim.channel]: false } };
    await this.#preferences.change(toLinkPrincipal(claim.tenantId, claim.userId), claim.userId, change as never, false);
    return this.show(claim, 'stopped');
  }

  /** Sends a new link, one in LINK_INTERVAL_MS at most, by the ordinary path of notifications. */
  async sendFresh(claim: PreferencesClaim): Promise<PreferencePage> {
    const page = await this.show(claim);
    if (!page.canSendLink) return page;
    const { tenantId, userId, channel } = claim;
    const { database, pipeline, catalogs, seal, clock } = this.#parts;
    const parts = { pipeline, catalogs, seal, clock, pool: database.forTenant(tenantId) };
    const turn = Math.floor(clock() / LINK_INTERVAL_MS);
    const operationId = createHash('sha256')
      .update(JSON.stringify([PREFERENCES_LINK, tenantId, userId, turn]))
      .digest('hex');
    const asker = { tenantId, actor: systemActor('preference page'), scopes: new Set<never>(), operationId };
    const request = { type: PREFERENCES_LINK, recipients: [{ user_id: userId }], channels: [channel as Channel] };
    const { accepted } = await sendNotifications(parts, asker, request, false);
    return this.show(claim, accepted > 0 ? 'freshSent' : 'freshNotSent');
  }

  async #listSwitches(
    { rules, question }: LoadedPreferences,
    { tenantId, channel, addressHash }: PreferencesClaim,
  ): Promise<PageSwitches> {
    const pool = this.#parts.database.forTenant(tenantId);
    const filter = { channel: null, reason: null, addressHash };
    const found = await listSuppressions(pool, tenantId, filter, MAX_SUPPRESSIONS, null);
    const stopped = found
      .filter((one) => one.channel === channel)
      .map((one) => ({ channel, scope: one.scope, isOwn: isOptOut(one.reason) && one.scope !== 'all' }));
    return listSwitches([...rules.notifications.values()], question, stopped);
  }

  async #change(claim: PreferencesClaim, { change, turnedOn }: FormChange): Promise<void> {
    await this.#preferences.change(toLinkPrincipal(claim.tenantId, claim.userId), claim.userId, change as never, false);
    const scopes = turnedOn.filter(({ channel }) => channel === claim.channel).flatMap(toStoppedScopes);
    const { tenantId, channel, addressHash } = claim;
    if (scopes.length === 0 || !isSuppressible(channel)) return;
    const { database, clock } = this.#parts;
    const { actor } = toLinkPrincipal(claim.tenantId, claim.userId);
    await withTransaction(database.forTenant(tenantId), (connection) =>
      liftUnsubscribed(connection, { tenantId, channel, addressHash, scopes }, actor, clock()),
    );
  }
}

/** Returns the scope of suppressions that a switch lifts. */
function toStoppedScopes({ scope }: PageSwitch): string[] {
  const [name = ''] = scope.slice(2).split('/');
  if (scope.startsWith('c:')) return [`category:${name}`];
  return scope.startsWith('t:') ? [`type:${name}`] : [];
}

function textOf(value: JsonObject[string] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function toGone(error: unknown): never {
  throw error instanceof TidingsError && error.code === 'not_found' ? goneLink() : error;
}
