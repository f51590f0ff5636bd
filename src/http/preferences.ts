import type { z } from 'zod';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { TidingsError } from '../errors.ts';
import { markOwn } from '../events/own-events.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { joinWords } from '../lib/text/join-words.ts';
import { CHANNELS } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { PlanUser } from '../model/plan.ts';
import type { Principal } from '../model/principal.ts';
import { MAX_PAUSE_MS, NO_TERMS, PREFERENCE_UPDATED, type Terms } from '../model/terms.ts';
import { findChosen } from '../plan/chosen.ts';
import {
  type EffectiveQuestion,
  type EffectiveType,
  findEffective,
  findEffectiveDigestTime,
  findEffectivePause,
  findEffectiveQuietHours,
  findLocked,
} from '../plan/effective.ts';
import { countSaid } from '../store/preference-uptake.ts';
import type { StoredPlanUser } from '../store/terms.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import { isBoundTo } from '../users/address-ids.ts';
import { type pauseChange, type preferenceChange, readPreferenceChange } from '../users/preference-change.ts';
import type { HttpDependencies } from './app.ts';
import { describePreferences } from './preference-overview.ts';
import { requirePlanUser } from './unknown-user.ts';

type Change = z.output<typeof preferenceChange>;

/** Time in ms by which the clock of a caller who asks for the longest pause may be ahead; the pause is that much shorter. */
const CLOCK_SKEW_MS: Millis = 60_000;

/** Facts that the preferences of a user depend on, and the catalog that it is from. */
export interface LoadedPreferences extends Pick<Catalog, 'version' | 'rules'> {
  readonly question: EffectiveQuestion;
}

/** The preferences of users: read as they take effect, and changed by an event. */
export class Preferences {
  readonly #parts: Pick<HttpDependencies, 'database' | 'catalogs' | 'pipeline' | 'clock'>;

  constructor(parts: Pick<HttpDependencies, 'database' | 'catalogs' | 'pipeline' | 'clock'>) {
    this.#parts = parts;
  }

  /**
   * @param isOwn whether the user themselves reads it: the reason of a pause is not for them. Default: false
   * @throws TidingsError `not_found` for an unknown user
   */
  async read(tenantId: string, userId: string, isOwn = false) {
    const { version, rules, question } = await this.load(tenantId, userId);
    const types: readonly EffectiveType[] = findEffective(rules.notifications.values(), question);
    const pause = findEffectivePause(question);
    return {
      user_id: question.user.userId,
      catalog_version: version,
      types,
      quiet_hours: findEffectiveQuietHours(question),
      digest_time: findEffectiveDigestTime(question),
      pause: pause && { ...pause, reason: isOwn ? null : pause.reason },
      chosen: findChosen(question.terms),
    };
  }

  /** Returns the policy of the tenant as users meet it, and how many of them chose otherwise. */
  async describe(tenantId: string) {
    const { database, catalogs, clock } = this.#parts;
    const { version, rules } = await catalogs.getActive(tenantId);
    const uptake = await countSaid(database.forTenant(tenantId), tenantId);
    const described = describePreferences(rules.notifications.values(), rules.policy, uptake, clock());
    return { catalog_version: version, ...described };
  }

  /** Returns what the preferences of a user depend on. @throws TidingsError `not_found` for an unknown user */
  async load(tenantId: string, userId: string): Promise<LoadedPreferences> {
    const { database, catalogs, clock } = this.#parts;
    const user = await requirePlanUser(database, tenantId, userId);
    const { version, rules } = await catalogs.getActiveOf(tenantId, user.userId);
    const question = { terms: user.terms ?? NO_TERMS, policy: rules.policy, user: toPlanUser(user), now: clock() };
    return { version, rules, question };
  }

  /**
   * Changes the preferences of a user, and returns them as they are then.
   * @param replaces whether what was said before no longer holds
   * @throws TidingsError `not_found` for an unknown user, `preference_locked` for a type or category that the tenant decides,
   *   `invalid_request` for an unknown type, `channels_not_used` for channels of which the type uses not one: they would mute it
   */
  async change(principal: Principal, namedId: string, change: Change, replaces: boolean) {
    const { tenantId } = principal;
    const { database, catalogs } = this.#parts;
    const { userId } = await requirePlanUser(database, tenantId, namedId);
    const active = await catalogs.getActiveOf(tenantId, userId);
    checkTypes(change, active);
    checkChannels(change, active);
    checkLocks(change, active);
    const said = change as unknown as JsonObject;
    const audited = { action: 'preferences.changed', detail: said };
    await this.#post(principal, userId, { ...said, ...(replaces && { replace: true }) }, audited);
    return this.read(tenantId, userId, principal.userId !== undefined);
  }

  /**
   * Pauses the messages to a user; an earlier pause is replaced.
   * @throws TidingsError `not_found` for an unknown user, `invalid_request` for an end that is over, or further ahead than messages wait
   */
  async pause(principal: Principal, namedId: string, { until, reason }: z.output<typeof pauseChange>) {
    const { tenantId } = principal;
    const { database, clock } = this.#parts;
    const { userId, terms } = await requirePlanUser(database, tenantId, namedId);
    const now = clock();
    const ahead = Date.parse(until) - now;
    if (!(ahead > 0 && ahead <= MAX_PAUSE_MS + CLOCK_SKEW_MS)) {
      const days = MAX_PAUSE_MS / DAY_MS;
      throw new TidingsError(
        'invalid_request',
        `until is not within the next ${days} days, for which messages wait at most.`,
        {
          pointer: '/until',
        },
      );
    }
    const pause = { until: isoTime(Math.min(Date.parse(until), now + MAX_PAUSE_MS)), reason };
    await this.#post(principal, userId, { pause }, { action: 'user.paused', detail: pause }, terms ?? NO_TERMS);
    return this.#readPause(tenantId, userId);
  }

  /** Ends the pause of the messages to a user, if there is one. @throws TidingsError `not_found` for an unknown user */
  async resume(principal: Principal, namedId: string) {
    const { tenantId } = principal;
    const { question } = await this.load(tenantId, namedId);
    const { userId } = question.user;
    if (findEffectivePause(question))
      await this.#post(principal, userId, { pause: null }, { action: 'user.resumed', detail: {} }, question.terms);
    return this.#readPause(tenantId, userId);
  }

  async #readPause(tenantId: string, userId: string) {
    const { question } = await this.load(tenantId, userId);
    return { user_id: userId, pause: findEffectivePause(question) };
  }

  /**
   * Ingests the event that changes the terms of a user, and notes who made the change.
   * @param known terms whose pause it comes after, whatever clock that has been set by
   */
  async #post(
    { tenantId, actor, userId: ownId }: Principal,
    userId: string,
    said: JsonObject,
    audited: { readonly action: string; readonly detail: JsonObject },
    known: Terms = NO_TERMS,
  ): Promise<void> {
    const { pipeline, clock } = this.#parts;
    const properties = { ...said, by: { kind: actor.kind, id: actor.id } };
    const at = isoTime(Math.max(clock(), (known.h?.[1] ?? Number.NEGATIVE_INFINITY) + 1));
    const item = { user_id: userId, event_type: PREFERENCE_UPDATED, event_timestamp: at, properties };
    const entry = { ...audited, actor, subject: userId, after: 'terms' as const };
    // A change by the user is in their events alone.
    const own = markOwn(item, ownId === undefined ? { audit: entry } : {});
    const [result] = await pipeline.ingest(tenantId, [own], false);
    if (result?.status === 'rejected' || result?.status === 'conflict') {
      throw new TidingsError('invalid_request', `${result.message ?? 'The change was rejected'}.`);
    }
  }
}

function checkTypes(change: Change, { rules }: Catalog): void {
  for (const name of Object.keys(change.types ?? {})) {
    if (rules.notifications.has(name)) continue;
    const near = findNearest(name, [...rules.notifications.keys()]);
    throw new TidingsError(
      'invalid_request',
      `The catalog has no notification type of this name${near === undefined ? '.' : `; did you mean ${near}?`}`,
      { pointer: `/types/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` },
    );
  }
}

/** A list without any channel of its type would turn the type off, and say something else. An empty one says so. */
function checkChannels(change: Change, { rules }: Catalog): void {
  for (const [name, { channels }] of Object.entries(change.types ?? {})) {
    const own = rules.notifications.get(name)?.channels ?? [];
    if (!channels || channels.length === 0 || channels.some((channel) => own.includes(channel))) continue;
    throw new TidingsError(
      'channels_not_used',
      `${name} is not sent by ${joinWords(channels, 'or')}: that would turn it off. Name some of ${joinWords(own)}, or write {"enabled": false}.`,
      { pointer: `${toPointer(`t:${name}`)}/channels` },
    );
  }
}

function checkLocks(change: Change, { rules }: Catalog): void {
  const { said } = readPreferenceChange(change as unknown as JsonObject);
  const switches = said.flatMap(([scope, field, value]) => {
    if (value === null) return [];
    if (field === 'on') return [[scope, value === 1] as const];
    if (field === 'freq') return value === 'NEVER' ? [[scope, false] as const] : [];
    const own = rules.notifications.get(scope.slice(2))?.channels ?? CHANNELS;
    const list = value as readonly string[];
    return own.map((channel) => [`${scope}/${channel}`, list.includes(channel)] as const);
  });
  const locked = findLocked(switches, rules.notifications, rules.policy);
  if (!locked) return;
  throw new TidingsError('preference_locked', `${locked.text}: the tenant decides it, and not the user.`, {
    pointer: toPointer(locked.scope),
  });
}

/** Returns the place of a scope in the body of a change. */
function toPointer(scope: string): string {
  const [name, channel] = scope.slice(2).split('/');
  return `/${scope.startsWith('t:') ? 'types' : 'categories'}/${name}${channel === undefined ? '' : `/${channel}`}`;
}

function toPlanUser({ userId, profile, addressHashes }: StoredPlanUser): PlanUser {
  const ids = { byKind: addressHashes };
  return { userId, profile, isBoundTo: (channel, consent) => isBoundTo(ids, profile, channel, consent) };
}
