import type pg from 'pg';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import { requiredFired, startedWaitIds } from '../rules/already-fired.ts';
import { type HistoryLookup, type Ids, type LimitLookup, patternKey, type Wait } from '../rules/facts.ts';
import {
  requiredHistory,
  requiredLimits,
  requiredTraitHistory,
  requiredTraitWaits,
  requiredWaits,
} from '../rules/required-facts.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { addTraitChanges, findOpenChanges } from '../rules/trait-changes.ts';
import { mergeEvent, mergeUse, newUserState, recordFired, type UserState } from '../rules/user-state.ts';
import { loadSealedAddresses } from '../store/addresses.ts';
import {
  type FactRows,
  type FactsQuery,
  type Lookup,
  loadFacts,
  type ProfileRow,
  type SealedEvent,
} from '../store/facts.ts';
import { loadFired } from '../store/fired.ts';
import { loadSpans } from '../store/spans.ts';
import { loadTraitChanges } from '../store/trait-changes.ts';
import type { TraitTimeRow } from '../store/trait-times.ts';
import { openWait, type StoredWait } from '../store/wait-content.ts';
import { loadWaits, loadWaitsById } from '../store/waits.ts';
import { openAddress, toAddressTraits } from '../users/addresses.ts';

/** Opens what is sealed, and makes ids, for one tenant. */
export interface FactsContext {
  readonly tenantId: string;
  readonly seal: Seal;
  readonly ids: Ids;
}

/**
 * The facts about the users of a batch: their states, built here from stored rows. Nothing else adds stored rows to a
 * state.
 */
export interface Facts extends FactsContext {
  readonly users: ReadonlyMap<string, UserState>;
  /** Keyed hashes of the stored addresses, by user id; a user who is not stored has no entry. */
  readonly addressHashes: ReadonlyMap<string, ProfileRow['addressHashes']>;
  /** Size of the stored traits, in characters of JSON, by user id; a user who is not stored has no entry. */
  readonly profileChars: ReadonlyMap<string, number>;
  /** Whether any wait of the tenant is open. */
  readonly hasWaits: boolean;
  /** Whether a user state has a stored event with its content, which may be a trigger to evaluate again. */
  hasStoredTriggers: boolean;
}

/** The users and events that facts are loaded for. */
export interface FactsRequest extends Pick<FactsContext, 'tenantId' | 'ids'> {
  /** Distinct; those of the events included. */
  readonly userIds: readonly string[];
  /** Events that are about to be decided. */
  readonly events: readonly ReceivedEvent[];
  /** Whether to look up if the events are stored already. */
  readonly checkDuplicates: boolean;
}

/**
 * Returns the query for the facts that the rules of a catalog require for deciding these events.
 * @param until no decision is later: a rule that waits may fire at once, and is counted in the limits of that time
 */
export function buildFactsQuery({ rules }: Catalog, request: FactsRequest, until: Millis): FactsQuery {
  const { tenantId, ids, userIds, events, checkDuplicates } = request;
  const history: Lookup<HistoryLookup>[] = [];
  const limits: Lookup<LimitLookup>[] = [];
  for (const event of events) {
    const { userId } = event;
    for (const need of requiredHistory(rules, event)) history.push({ userId, need });
    for (const need of requiredLimits(rules, event, ids, until)) limits.push({ userId, need });
  }
  return { tenantId, userIds, events: checkDuplicates ? events : [], history, limits };
}

/** Builds the states of these users from the rows that were loaded first. */
export function buildFacts(context: FactsContext, userIds: readonly string[], rows: FactRows): Facts {
  const users = new Map(userIds.map((userId) => [userId, newUserState(userId)]));
  const addressHashes = new Map(rows.profiles.map((row) => [row.userId, row.addressHashes]));
  const profileChars = new Map(rows.profiles.map((row) => [row.userId, row.traitsChars]));
  const facts: Facts = {
    ...context,
    users,
    addressHashes,
    profileChars,
    hasWaits: rows.hasWaits,
    hasStoredTriggers: false,
  };
  for (const row of rows.profiles) setProfile(facts, row);
  mergeRows(facts, rows);
  return facts;
}

function setProfile(facts: Facts, { userId, profile, sealed }: ProfileRow): void {
  const user = getUser(facts, userId);
  user.profile = profile;
  if (sealed === null) return;
  const original = openDocument(facts.seal, sealed, documentRow('users', facts.tenantId, userId));
  if (original) user.profile = original as unknown as Profile;
  else user.unreadable = true;
}

/** Returns a stored event with its original content; as it is, and marked, if that cannot be opened. */
function openEvent({ tenantId, seal }: FactsContext, { sealed, ...event }: SealedEvent): Event {
  if (sealed === null) return event;
  const original = openDocument(seal, sealed, documentRow('events', tenantId, event.userId, event.key));
  if (!original) return { ...event, unreadable: true };
  return { ...event, properties: original.properties as JsonObject, traits: original.traits as JsonObject };
}

/** Adds the events and limit uses of rows, each once. Profiles stay as they are: decisions may have changed them. */
export function mergeRows(facts: Facts, { latestEvents, waitingTriggers, limitUses }: FactRows): void {
  facts.hasStoredTriggers ||= waitingTriggers.length > 0;
  for (const { userId, type, event } of latestEvents) mergeEvent(getUser(facts, userId), type, event);
  for (const { event: stored, earlier, within } of waitingTriggers) {
    const event = openEvent(facts, stored);
    const { userId, type, key, eventId, time } = event;
    const waitsFor = new Set([patternKey(earlier, within)]);
    mergeEvent(getUser(facts, userId), type, { key, eventId, time, event, waitsFor });
  }
  for (const { userId, limitKey, use } of limitUses) mergeUse(getUser(facts, userId), limitKey, use);
}

/**
 * Loads the facts that only some rules require, and adds them: events of whole spans, trait changes, rules that fired, and
 * waits. The later look-ups depend on the facts that the earlier ones added.
 */
export async function loadConditionalFacts(
  connection: pg.PoolClient,
  { rules }: Catalog,
  { tenantId, history }: FactsQuery,
  facts: Facts,
  events: readonly ReceivedEvent[],
): Promise<void> {
  await loadSpanEvents(connection, facts, [...history, ...findTraitHistory(rules, facts, events)]);
  if (rules.hasTraitPatterns) {
    const changes = history.flatMap(({ userId, need }) => (need.kind === 'changes' ? [{ userId, ...need }] : []));
    const rows = await loadTraitChanges(connection, tenantId, changes);
    const known = new Set<string>();
    for (const userId of new Set(rows.map(({ event }) => event.userId))) {
      for (const { trigger } of getUser(facts, userId).openTraitChanges ?? []) known.add(trigger.key);
    }
    for (const { event: stored, decisions } of rows) {
      if (known.has(stored.key)) continue;
      known.add(stored.key);
      const event = openEvent(facts, stored);
      addTraitChanges(getUser(facts, event.userId), findOpenChanges(event, decisions));
    }
  }
  const { ids } = facts;
  const mayReevaluate = facts.hasStoredTriggers || rules.hasTraitPatterns;
  if (mayReevaluate) {
    const fired = events.flatMap((event) => {
      const needs = requiredFired(rules, getUser(facts, event.userId), event);
      return needs.map((need) => ({ ...need, userId: event.userId }));
    });
    for (const { userId, time, decisions } of await loadFired(connection, tenantId, fired)) {
      recordFired(getUser(facts, userId), time, decisions);
    }
  }
  if (!rules.hasWaitingRules && !facts.hasWaits) return;
  if (mayReevaluate) {
    const started = [...groupBy(events, ({ userId }) => userId)].flatMap(([userId, own]) => {
      return startedWaitIds(rules, getUser(facts, userId), own, ids).map((waitId) => ({ userId, waitId }));
    });
    await loadWaitsWithIds(connection, facts, tenantId, started);
  }
  const userIds = [...new Set(events.map(({ userId }) => userId))];
  const needs = events.flatMap((event) => {
    const { userId } = event;
    const ofTraits = rules.startReading.length > 0 ? requiredTraitWaits(rules, getUser(facts, userId), event, ids) : [];
    return [...requiredWaits(rules, event, ids), ...ofTraits].map((need) => ({ userId, need }));
  });
  await loadOpenWaits(connection, facts, { tenantId, userIds, needs });
}

/** Returns what must be known of triggers whose wait may start by the traits of these events. */
function findTraitHistory(
  rules: RuleSet,
  facts: Facts,
  events: readonly ReceivedEvent[],
): readonly Lookup<HistoryLookup>[] {
  if (rules.startReading.length === 0) return [];
  return [...groupBy(events, ({ userId }) => userId)].flatMap(([userId, own]) => {
    // A user who is not stored has no triggers.
    if (!facts.addressHashes.has(userId)) return [];
    return requiredTraitHistory(rules, getUser(facts, userId).profile, own).map((need) => ({ userId, need }));
  });
}

const NO_PATTERNS: ReadonlySet<string> = new Set();

/** Loads the events of the spans among these look-ups, and adds them. */
export async function loadSpanEvents(
  connection: pg.PoolClient,
  facts: Facts,
  history: readonly Lookup<HistoryLookup>[],
): Promise<void> {
  const spans = history.flatMap(({ userId, need }) => (need.kind === 'span' ? [{ userId, ...need }] : []));
  if (spans.length === 0) return;
  for (const stored of await loadSpans(connection, facts.tenantId, spans)) {
    const event = openEvent(facts, stored);
    const { userId, type, key, eventId, time } = event;
    // Waits for no pattern: `waitingTriggers` has the triggers that wait for their earlier event.
    mergeEvent(getUser(facts, userId), type, { key, eventId, time, event, waitsFor: NO_PATTERNS });
    facts.hasStoredTriggers = true;
  }
}

/**
 * Loads the users' open waits (and the recent ended ones asked for), attaches them to `facts`, and returns the open ones.
 */
export async function loadOpenWaits(
  connection: pg.PoolClient,
  facts: Facts,
  query: Parameters<typeof loadWaits>[1],
): Promise<Wait[]> {
  return attachOpened(facts, await loadWaits(connection, query)).filter(({ status }) => status === 'waiting');
}

/** Attaches loaded waits with their original contents, and returns them. */
export function attachOpened(facts: Facts, stored: readonly StoredWait[]): Wait[] {
  const waits = stored.map((wait) => openWait(facts, wait));
  attachWaits(facts, waits);
  return waits;
}

/** Loads the waits with these ids, open or ended, and attaches them to `facts`. An id may be unknown. */
export async function loadWaitsWithIds(
  connection: pg.PoolClient,
  facts: Facts,
  tenantId: string,
  asked: readonly { readonly userId: string; readonly waitId: string }[],
): Promise<void> {
  if (asked.length === 0) return;
  attachOpened(facts, await loadWaitsById(connection, tenantId, asked));
}

/** Loads the uses of limits and adds them. */
export async function loadLimitUses(
  connection: pg.PoolClient,
  facts: Facts,
  tenantId: string,
  limits: readonly Lookup<LimitLookup>[],
): Promise<void> {
  if (limits.length === 0) return;
  mergeRows(facts, await loadFacts(connection, { tenantId, userIds: [], events: [], history: [], limits }));
}

/** A wait that is attached already stays: this transaction may have changed it. */
function attachWaits(facts: Facts, waits: readonly Wait[]): void {
  for (const wait of waits) {
    const { waits: known } = getUser(facts, wait.userId);
    if (!known.has(wait.waitId)) known.set(wait.waitId, wait);
  }
}

/**
 * Loads the addresses of all users and opens them, for rules that read them. Has no effect on users that have them.
 */
export async function loadAddresses(connection: pg.PoolClient, { tenantId, seal, users }: Facts): Promise<void> {
  const missing = [...users.values()].filter(({ addresses }) => addresses === undefined);
  for (const user of missing) user.addresses = {};
  const userIds = missing.map(({ userId }) => userId);
  if (userIds.length === 0) return;
  for (const { userId, kind, sealed } of await loadSealedAddresses(connection, tenantId, userIds)) {
    const user = users.get(userId) as UserState;
    const address = openAddress(seal, sealed, tenantId, userId, kind);
    if (address === undefined) user.unreadable = true;
    else user.addresses = { ...user.addresses, ...toAddressTraits(user.profile.traits, kind, address) };
  }
}

/** Moves trait times forward to those of the rows. */
export function mergeTraitTimes(facts: Facts, rows: readonly TraitTimeRow[]): void {
  for (const { userId, trait, time } of rows) {
    const user = getUser(facts, userId);
    const { traits, traitTimes } = user.profile;
    if (time > (traitTimes[trait] ?? Number.NEGATIVE_INFINITY)) {
      user.profile = { traits, traitTimes: { ...traitTimes, [trait]: time } };
    }
  }
}

function getUser({ users }: Facts, userId: string): UserState {
  return users.get(userId) as UserState;
}
