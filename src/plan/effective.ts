/**
 * The effective preferences of a user: what the plan would say about each type and channel, and whether the user can change it.
 */

import type { NotificationType } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { PlanQuestion, PlanUser } from '../model/plan.ts';
import type { PlanCode } from '../model/plan-codes.ts';
import type { Policy } from '../model/preferences.ts';
import type { Terms } from '../model/terms.ts';
import { WEEKDAYS } from '../model/terms.ts';
import { formatTimeOfDay } from '../time/hours.ts';
import { isoTime } from '../time/iso-time.ts';
import { type Answer, describeScope, findSwitch, scopesOf } from './answer.ts';
import { findDigestMoment, findFrequency } from './policies/frequency.ts';
import { findPauseOfUser } from './policies/pause.ts';
import { findQuietHoursOfUser } from './policies/quiet-hours.ts';
import { findRequired } from './policies/required.ts';
import { askWhetherItMayGo } from './verdicts.ts';

/** The level that decided, as the API shows it. */
export interface DecidedBy {
  readonly code: PlanCode;
  readonly level: string;
  readonly value: Answer['value'];
  /** When the user said so (ISO 8601); null: the catalog says so. */
  readonly since: string | null;
}

/** Whether a type goes to a user on a channel. */
export interface EffectiveCell {
  readonly on: boolean;
  readonly decided_by: DecidedBy;
  /** Whether the user can change it: it is neither locked nor required, and not a matter of consent or products. */
  readonly changeable: boolean;
}

export interface EffectiveType {
  readonly type: string;
  /** As the catalog describes it; null: it does not. */
  readonly description: string | null;
  readonly category: string;
  readonly channels: { readonly [channel in Channel]?: EffectiveCell };
  /** Frequency of its messages, at most. */
  readonly frequency: string;
}

const CHANGEABLE: ReadonlySet<PlanCode> = new Set<PlanCode>([
  'preference_off',
  'preference_on',
  'default_on',
  'not_subscribed',
]);

/** Everything that the preferences of a user depend on. */
export interface EffectiveQuestion {
  readonly terms: Terms;
  readonly policy: Policy;
  readonly user: PlanUser;
  readonly now: Millis;
}

/** Returns the effective preferences for each type that goes to users, in the order of the types. */
export function findEffective(types: Iterable<NotificationType>, asked: EffectiveQuestion): EffectiveType[] {
  const found: EffectiveType[] = [];
  for (const type of types) {
    const channels = type.channels.filter((channel) => !CHANNEL_DESCRIPTORS[channel].isForOthers);
    if (channels.length === 0) continue;
    const question: PlanQuestion = { ...asked, type, channels, expiresAt: null, isUrgent: false };
    const cells = channels.map((channel) => [channel, toCell(askWhetherItMayGo(question, channel))] as const);
    const { frequency } = findFrequency({ ...asked, type });
    const { name, category, description = null } = type;
    found.push({ type: name, description, category, channels: Object.fromEntries(cells), frequency });
  }
  return found;
}

function toCell({ verdict, code, level, value, since }: Answer): EffectiveCell {
  return {
    on: verdict === 'go',
    decided_by: { code, level, value, since: since === undefined ? null : isoTime(since) },
    changeable: CHANGEABLE.has(code),
  };
}

/** Quiet hours as they are for a user; null: no hours are quiet. */
export interface EffectiveQuietHours {
  readonly hours: string;
  readonly decided_by: Pick<DecidedBy, 'level' | 'since'>;
}

/** Returns the quiet hours of a user, or those of the tenant. */
export function findEffectiveQuietHours(asked: EffectiveQuestion): EffectiveQuietHours | null {
  const found = findQuietHoursOfUser(asked);
  if (!found) return null;
  const { value: hours, since } = found;
  if (since === undefined) return { hours, decided_by: { level: 'tenant', since: null } };
  return { hours, decided_by: { level: 'user', since: isoTime(since) } };
}

/** A pause of the messages to a user. */
export interface EffectivePause {
  readonly until: string;
  readonly reason: string;
  /** When it was set. */
  readonly since: string;
}

/** Returns the pause of the messages to a user; null: messages go at this time. */
export function findEffectivePause(asked: Pick<EffectiveQuestion, 'terms' | 'now'>): EffectivePause | null {
  const pause = findPauseOfUser(asked);
  return pause ? { ...pause, until: isoTime(pause.until), since: isoTime(pause.since) } : null;
}

/** When daily and weekly digests are sent to a user. */
export interface EffectiveDigestTime {
  readonly at: string;
  readonly day: (typeof WEEKDAYS)[number];
  readonly zone: string;
  readonly decided_by: Pick<DecidedBy, 'level' | 'since'>;
}

/** Returns when digests are sent: as the user says, or else the tenant. */
export function findEffectiveDigestTime(asked: EffectiveQuestion): EffectiveDigestTime {
  const { at, day, zone } = findDigestMoment(asked);
  const own = asked.terms.d;
  const by = own?.[0] ? { level: 'user', since: isoTime(own[1]) } : { level: 'tenant', since: null };
  return { at: formatTimeOfDay(at), day: WEEKDAYS[day - 1] ?? 'monday', zone: zone.zone, decided_by: by };
}

/** A change that cannot have an effect, because the tenant decides. */
export interface LockedScope {
  readonly scope: string;
  /** In words: `type INVOICE / email is locked on`. */
  readonly text: string;
}

/**
 * Returns the first scope of a type or category that the terms of a change turn the other way than the tenant has locked or
 * required it; undefined: it turns nothing so. Broader scopes may be changed: what is locked stays as it is.
 */
export function findLocked(
  said: readonly (readonly [scope: string, isOn: boolean])[],
  types: ReadonlyMap<string, NotificationType>,
  policy: Policy,
): LockedScope | undefined {
  for (const [scope, isOn] of said) {
    const locked = findLockOf(scope, types, policy);
    if (locked && locked.isOn !== isOn) return { scope, text: `${describeScope(scope)} is ${locked.words}` };
  }
  return undefined;
}

function findLockOf(scope: string, types: ReadonlyMap<string, NotificationType>, policy: Policy) {
  const [name = '', channel] = scope.slice(2).split('/');
  const type = types.get(name);
  if (scope.startsWith('t:') && type) {
    if (findRequired({ type, policy })) return { isOn: true, words: 'required' };
    if (channel !== undefined) return findLockAmong(scopesOf({ type }, channel as Channel), policy);
    return findLockAmong([`t:${name}`, `c:${type.category}`], policy) ?? findLockOfAll(type, policy);
  }
  if (!scope.startsWith('c:')) return undefined;
  const ofCategory = { type: { name: '', category: name } as NotificationType };
  if (findRequired({ ...ofCategory, policy })) return { isOn: true, words: 'required' };
  return findLockAmong(channel === undefined ? [scope] : [scope, `c:${name}`, `ch:${channel}`], policy);
}

/** Returns the lock of a type whose channels are all locked alike: to turn the type would have no effect. */
function findLockOfAll(type: NotificationType, policy: Policy) {
  const own = type.channels.filter((channel) => !CHANNEL_DESCRIPTORS[channel].isForOthers);
  const [first, ...others] = own.map((channel) => findLockAmong(scopesOf({ type }, channel), policy));
  return first && others.every((one) => one?.isOn === first.isOn) ? first : undefined;
}

function findLockAmong(scopes: readonly string[], { locks }: Policy) {
  const lock = findSwitch(locks, scopes);
  return lock && { isOn: lock.isOn, words: `locked ${lock.isOn ? 'on' : 'off'} (${describeScope(lock.scope)})` };
}
