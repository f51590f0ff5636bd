/**
 * The merge of what a user says into their terms. Per key, the newest event time wins; of two that were said at the same time the
 * stricter one. So the order of arrival does not matter.
 */

import { CHANNELS } from '../model/delivery.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import {
  CONSENT_RECORDED,
  type ConsentBinding,
  type ConsentTerms,
  FREQUENCIES,
  NO_TERMS,
  type Pause,
  type PendingConsent,
  PREFERENCE_UPDATED,
  type Said,
  type ScopeTerms,
  type Terms,
} from '../model/terms.ts';
import { readPreferenceChange } from './preference-change.ts';

/** Returns the terms after an event; the terms themselves if it changes nothing. */
export function mergeTerms(
  terms: Terms,
  { type, properties, time }: Pick<Event, 'type' | 'properties' | 'time'>,
): Terms {
  if (type === PREFERENCE_UPDATED) return mergePreferences(terms, properties, time);
  return type === CONSENT_RECORDED ? mergeConsent(terms, properties, time) : terms;
}

function mergePreferences(terms: Terms, properties: JsonObject, time: Millis): Terms {
  const { said, quiet, digest, pause, replace } = readPreferenceChange(properties);
  let merged = replace ? resetBefore(terms, time) : terms;
  if (pause !== undefined && isNewer(merged.h, [pause, time], strictnessOfPause))
    merged = { ...merged, h: [pause, time] };
  const from = merged.reset ?? Number.NEGATIVE_INFINITY;
  if (time < from) return merged;
  for (const [scope, field, value] of said) merged = mergeScope(merged, scope, field, [value, time]);
  if (quiet !== undefined && isNewer(merged.q, [quiet, time], strictnessOfQuiet))
    merged = { ...merged, q: [quiet, time] };
  if (digest !== undefined && isNewer(merged.d, [digest, time], strictnessOfDigestTime))
    merged = { ...merged, d: [digest, time] };
  return merged;
}

/** Forgets the preferences of before a time, those that arrive later included. Consent stays, and a pause, which is not the word of the user. */
function resetBefore(terms: Terms, time: Millis): Terms {
  if (time <= (terms.reset ?? Number.NEGATIVE_INFINITY)) return terms;
  const { p = {}, q, d, ...others } = terms;
  const scopes = Object.entries(p).flatMap(([scope, said]) => {
    const kept = Object.entries(said).filter(([, [, at]]) => at >= time);
    return kept.length === 0 ? [] : [[scope, Object.fromEntries(kept) as ScopeTerms] as const];
  });
  return {
    ...others,
    ...(scopes.length > 0 && { p: Object.fromEntries(scopes) }),
    ...(q && q[1] >= time && { q }),
    ...(d && d[1] >= time && { d }),
    reset: time,
  };
}

function mergeScope(terms: Terms, scope: string, field: keyof ScopeTerms, said: Said<unknown>): Terms {
  const known = terms.p?.[scope] ?? {};
  if (!isNewer(known[field], said, STRICTNESS[field])) return terms;
  return { ...terms, p: { ...terms.p, [scope]: { ...known, [field]: said } } };
}

function mergeConsent(terms: Terms, properties: JsonObject, at: Millis): Terms {
  const {
    purpose,
    channel: name,
    state,
    source,
    address_hash: hash,
    trait_hash: traitHash,
    address: mask,
    expires_at: expiry,
  } = properties;
  if (typeof purpose !== 'string' || typeof name !== 'string') return terms;
  const key = `${purpose}/${name}`;
  const bound: ConsentBinding = {
    ...(typeof hash === 'string' && { hash }),
    ...(typeof mask === 'string' && { mask }),
    ...(typeof traitHash === 'string' && { traitHash }),
  };
  if (state === 'pending') {
    return mergePending(terms, key, { at, ...(typeof expiry === 'string' && { until: Date.parse(expiry) }), ...bound });
  }
  if (state !== 'granted' && state !== 'withdrawn') return terms;
  const said: ConsentTerms = {
    state,
    at,
    ...bound,
    ...(state === 'granted' && source === 'import' && { imported: true as const }),
  };
  const known = terms.k?.[key];
  if (known && !outweighs(said, known)) return terms;
  return { ...terms, k: { ...terms.k, [key]: said } };
}

/** Keeps what waits for its confirmation apart, so that it takes the place of nothing that was said. */
function mergePending(terms: Terms, key: string, pending: PendingConsent): Terms {
  const known = terms.w?.[key];
  return known && !isLater(pending, known) ? terms : { ...terms, w: { ...terms.w, [key]: pending } };
}

function isLater(one: PendingConsent, other: PendingConsent): boolean {
  return one.at === other.at ? toText(one) > toText(other) : one.at > other.at;
}

/** Whether a consent takes the place of another: an import never does, whatever its time, so that it undoes no withdrawal. */
function outweighs(one: ConsentTerms, other: ConsentTerms): boolean {
  if (one.imported !== other.imported) return other.imported === true;
  if (one.at !== other.at) return one.at > other.at;
  if (one.state !== other.state) return one.state === 'withdrawn';
  return toText(one) > toText(other);
}

/**
 * Returns the terms of one of two users who become one, with each withdrawal as new as the traits of the other that may stand for
 * consent: what one withdrew, a trait that the other set since does not grant. Traits that the user has set again since count.
 * @param own, united the profile of the user, and that of both
 */
export function keepWithdrawals(terms: Terms, own: Profile, united: Profile): Terms {
  const k = Object.entries(terms.k ?? {}).map(([key, said]): [string, ConsentTerms] => {
    if (said.state !== 'withdrawn') return [key, said];
    const { at } = said;
    const foreign = Object.keys(united.traits).filter((trait) => {
      const isOwn = own.traits[trait] === true && (own.traitTimes[trait] ?? 0) > at;
      return united.traits[trait] === true && !isOwn;
    });
    return [key, { ...said, at: foreign.reduce((last, trait) => Math.max(last, united.traitTimes[trait] ?? 0), at) }];
  });
  return k.length === 0 ? terms : { ...terms, k: Object.fromEntries(k) };
}

/**
 * Returns one set of terms of two users. What either has turned off or withdrew stays so, whenever it was said, and is as new as what
 * it outweighs; of the rest the newest. Of two grants for other addresses that of the survivor counts.
 */
export function uniteTerms(survivor: Terms, other: Terms): Terms {
  const p: { [scope: string]: ScopeTerms } = { ...other.p };
  for (const [scope, said] of Object.entries(survivor.p ?? {})) p[scope] = uniteScopes(said, p[scope] ?? {});
  const k: { [key: string]: ConsentTerms } = { ...other.k };
  for (const [key, said] of Object.entries(survivor.k ?? {})) k[key] = uniteConsents(said, k[key]);
  const w: { [key: string]: PendingConsent } = { ...other.w };
  for (const [key, pending] of Object.entries(survivor.w ?? {})) {
    const known = w[key];
    if (!known || isLater(pending, known)) w[key] = pending;
  }
  const q = uniteSaid(survivor.q, other.q, strictnessOfQuiet, () => false);
  const d = uniteSaid(survivor.d, other.d, strictnessOfDigestTime, () => false);
  const h = unitePauses(survivor.h, other.h);
  const { reset } = survivor;
  const united: Terms = {
    ...(Object.keys(p).length > 0 && { p }),
    ...(q && { q }),
    ...(d && { d }),
    ...(h && { h }),
    ...(Object.keys(k).length > 0 && { k }),
    ...(Object.keys(w).length > 0 && { w }),
    // Events that arrive late are of both: only those that both have reset are forgotten.
    ...(reset !== undefined && other.reset !== undefined && { reset: Math.min(reset, other.reset) }),
  };
  return Object.keys(united).length === 0 ? NO_TERMS : united;
}

/**
 * Returns the terms of a user with what was said for one of their addresses before it was theirs, by the user who was known by it alone: the
 * newer word counts, as if it were their own, and of consent the withdrawals alone.
 */
export function withTermsOfAddress(terms: Terms, ofAddress: Terms): Terms {
  const from = terms.reset ?? Number.NEGATIVE_INFINITY;
  let merged = terms;
  for (const [scope, said] of Object.entries(ofAddress.p ?? {})) {
    for (const [field, value] of Object.entries(said) as [keyof ScopeTerms, Said<unknown>][])
      if (value[1] >= from) merged = mergeScope(merged, scope, field, value);
  }
  const { q, h } = ofAddress;
  if (q && q[1] >= from && isNewer(merged.q, q, strictnessOfQuiet)) merged = { ...merged, q };
  if (h && isNewer(merged.h, h, strictnessOfPause)) merged = { ...merged, h };
  for (const [key, said] of Object.entries(ofAddress.k ?? {})) {
    const known = merged.k?.[key];
    if (said.state !== 'withdrawn' || (known && !outweighs(said, known))) continue;
    merged = { ...merged, k: { ...merged.k, [key]: said } };
  }
  return merged;
}

function uniteScopes(one: ScopeTerms, other: ScopeTerms): ScopeTerms {
  const on = uniteSaid(one.on, other.on, STRICTNESS.on, (value) => value === 0);
  const freq = uniteSaid(one.freq, other.freq, STRICTNESS.freq, (value) => value === 'NEVER');
  const channels = uniteChannels(one.channels, other.channels);
  return { ...(on && { on }), ...(channels && { channels }), ...(freq && { freq }) };
}

/** A channel that either list leaves out is off. */
function uniteChannels(one: ScopeTerms['channels'], other: ScopeTerms['channels']): ScopeTerms['channels'] {
  const [first, second] = [one?.[0], other?.[0]];
  if (!one || !other || (!first && !second)) return uniteSaid(one, other, STRICTNESS.channels, () => false);
  const both = first && second ? first.filter((channel) => second.includes(channel)).sort() : (first ?? second ?? null);
  return [both, Math.max(one[1], other[1])];
}

/** Returns which of two values holds. @param isOff whether a value holds against any other */
function uniteSaid<T>(
  one: Said<T> | undefined,
  other: Said<T> | undefined,
  strictness: Strictness,
  isOff: (value: T | null) => boolean,
): Said<T> | undefined {
  if (!one || !other) return one ?? other;
  // As new as what it outweighs: what arrives late from between both turns nothing on again.
  if (isOff(one[0]) !== isOff(other[0])) return [isOff(one[0]) ? one[0] : other[0], Math.max(one[1], other[1])];
  return isNewer(one, other, strictness) ? other : one;
}

/** The pause that ends later holds, and is as new as what it outweighs. */
function unitePauses(one: Terms['h'], other: Terms['h']): Terms['h'] {
  if (!one || !other) return one ?? other;
  const [later] = getPauseEnd(one[0]) >= getPauseEnd(other[0]) ? one : other;
  return [later, Math.max(one[1], other[1])];
}

function uniteConsents(one: ConsentTerms, other: ConsentTerms | undefined): ConsentTerms {
  if (!other) return one;
  if (one.state !== other.state) {
    const [withdrawn, granted] = one.state === 'withdrawn' ? [one, other] : [other, one];
    return granted.imported ? withdrawn : { ...withdrawn, at: Math.max(one.at, other.at) };
  }
  if (one.state === 'granted' && one.hash !== other.hash) return one;
  return outweighs(other, one) ? other : one;
}

/** A rank of strictness for each value of a field; the greater is the stricter. */
type Strictness = (value: unknown) => number;

const UNSAID = 1;

const STRICTNESS: { readonly [field in keyof ScopeTerms]-?: Strictness } = {
  // On, unsaid, only what is listed, off.
  on: (value) => (value === null ? UNSAID : value === 0 ? 3 : value === 'listed' ? 2 : 0),
  channels: (value) => (value === null ? UNSAID : 2 + CHANNELS.length - (value as readonly unknown[]).length),
  freq: (value) => (value === null ? UNSAID - 1 : FREQUENCIES.indexOf(value as (typeof FREQUENCIES)[number])),
};

/** No time is stricter than another. */
function strictnessOfDigestTime(value: unknown): number {
  return value === null ? 0 : 1;
}

/** The later it ends, the stricter is a pause. */
function strictnessOfPause(value: unknown): number {
  return getPauseEnd(value as Pause | null);
}

function getPauseEnd(pause: Pause | null | undefined): Millis {
  return pause?.[0] ?? Number.NEGATIVE_INFINITY;
}

function strictnessOfQuiet(value: unknown): number {
  return value === null ? UNSAID : value === 0 ? 0 : 2;
}

/** Whether what is said takes the place of what is known. */
function isNewer(known: Said<unknown> | undefined, said: Said<unknown>, strictness: Strictness): boolean {
  if (!known || said[1] !== known[1]) return !known || said[1] > known[1];
  const [one, other] = [strictness(said[0]), strictness(known[0])];
  return one === other ? toText(said[0]) > toText(known[0]) : one > other;
}

function toText(value: unknown): string {
  return JSON.stringify(value);
}

/** Returns stored terms. @param text their JSON; empty: the user has said nothing */
export function parseStoredTerms(text: string): Terms {
  return text === '' ? NO_TERMS : (JSON.parse(text) as Terms);
}

/** Returns what of the terms was said before a time, for a replay whose events begin then. */
export function termsBefore(terms: Terms, time: Millis): Terms {
  const p = Object.entries(terms.p ?? {}).flatMap(([scope, said]) => {
    const kept = Object.entries(said).filter(([, [, at]]) => at < time);
    return kept.length === 0 ? [] : [[scope, Object.fromEntries(kept) as ScopeTerms] as const];
  });
  const k = Object.entries(terms.k ?? {}).filter(([, { at }]) => at < time);
  const w = Object.entries(terms.w ?? {}).filter(([, { at }]) => at < time);
  const { q, d, h, reset } = terms;
  const before: Terms = {
    ...(p.length > 0 && { p: Object.fromEntries(p) }),
    ...(q && q[1] < time && { q }),
    ...(d && d[1] < time && { d }),
    ...(h && h[1] < time && { h }),
    ...(k.length > 0 && { k: Object.fromEntries(k) }),
    ...(w.length > 0 && { w: Object.fromEntries(w) }),
    ...(reset !== undefined && reset < time && { reset }),
  };
  return Object.keys(before).length === 0 ? NO_TERMS : before;
}
