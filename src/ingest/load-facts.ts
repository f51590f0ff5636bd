import type pg from 'pg';
import type { ReceivedEvent } from '../events/envelope.ts';
import { toReadableContext } from '../events/envelopes/context.ts';
import { type Content, hasNamedFields, keepNamedFields } from '../events/excerpt.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import {
  requiredForPlan,
  requiredHistory,
  requiredLimits,
  requiredTraitHistory,
  requiredTraitWaits,
  requiredWaits,
} from '../rules/compile/required-facts.ts';
import type { RuleSet } from '../rules/compile/rule-set.ts';
import { requiredFired, startedWaitIds } from '../rules/evaluate/already-fired.ts';
import { addTraitChanges, findOpenChanges } from '../rules/evaluate/trait-changes.ts';
import { type HistoryLookup, type Ids, type LeftOut, type LimitLookup, patternKey, type Wait } from '../rules/facts.ts';
import { forgetWaitIndex } from '../rules/known/user-waits.ts';
import { rememberLeftOut } from '../rules/left-out.ts';
import { mergeEvent, mergeUse, newUserState, rememberFired, type UserState } from '../rules/user-state.ts';
import { loadSealedAddresses } from '../store/addresses.ts';
import { CONTENT_BOUND, type LargeEvent, readContents } from '../store/contents.ts';
import type { SealedEvent } from '../store/encryption/sealed-event.ts';
import type { LeftOutRow } from '../store/facts/fact-bytes.ts';
import { type FactRows, type FactsQuery, type Lookup, loadFacts, type ProfileRow } from '../store/facts/facts.ts';
import { loadFired } from '../store/facts/fired.ts';
import { loadSpans } from '../store/facts/spans.ts';
import { loadTraitChanges } from '../store/facts/trait-changes.ts';
import type { TraitTimeRow } from '../store/facts/trait-times.ts';
import { openWait, type StoredWait } from '../store/waits/wait-content.ts';
import { loadWaits, loadWaitsById } from '../store/waits/waits.ts';
import { openAddress, toAddressTraits } from '../users/addresses.ts';
import { parseStoredTerms } from '../users/terms.ts';
import type { Cohort, Cohorts } from './cohorts.ts';

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
  /** Types of facts that endpoints of webhooks subscribe to; null: none. */
  readonly heardTypes: readonly string[] | null;
  /** Kafka topics that messages are recorded for; null: none. */
  readonly openTopics: readonly string[] | null;
  /** Whether a user state has a stored event with its content, which may be a trigger to evaluate again. */
  hasStoredTriggers: boolean;
  /** Large events that are loaded and not yet added: see `completeLargeEvents`. */
  large: LoadedLargeEvent[];
  /** Characters of large contents that were read. */
  contentChars: number;
  /** By user id, users with more open waits than were loaded: see concerned-waits.ts. */
  readonly cutWaits: Map<string, CutWaits>;
}

/** Facts about the open waits of a user that were not loaded. */
export interface CutWaits {
  /** They are due at this time or later. */
  readonly from: Millis;
  readonly leftOut: LeftOutRow;
}

/** A large event that is to be added to a user state. */
interface LoadedLargeEvent {
  /** With the content of the excerpt, until it is completed. */
  readonly event: { -readonly [Field in keyof Event]: Event[Field] };
  readonly excerpt: NonNullable<SealedEvent['excerpt']>;
  add(event: Event): void;
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
 * Returns the query for the facts that the rules of the catalogs require for deciding these events.
 * @param until no decision is later: a rule that waits may fire at once, and is counted in the limits of that time
 */
export function buildFactsQuery(cohorts: Cohorts, request: FactsRequest, until: Millis): FactsQuery {
  const { tenantId, ids, userIds, events, checkDuplicates } = request;
  const history: Lookup<HistoryLookup>[] = [];
  const limits: Lookup<LimitLookup>[] = [];
  for (const { catalog, pick } of cohorts.all) {
    const { rules } = catalog;
    const own = pick(events);
    for (const event of own) {
      const { userId } = event;
      for (const need of requiredHistory(rules, event)) history.push({ userId, need });
      for (const need of requiredLimits(rules, event, ids, until)) limits.push({ userId, need });
    }
    const caps = requiredForPlan(rules, until);
    if (caps.length === 0) continue;
    for (const userId of new Set(own.map((event) => event.userId)))
      for (const need of caps) limits.push({ userId, need });
  }
  return { tenantId, userIds, events: checkDuplicates ? events : [], history, limits };
}

/** Returns the limit uses that the plan of each of these users asks for. */
export function listPlanLookups(cohorts: Cohorts, userIds: readonly string[], now: Millis): Lookup<LimitLookup>[] {
  return cohorts.all.flatMap(({ catalog, has }) => {
    const caps = requiredForPlan(catalog.rules, now);
    if (caps.length === 0) return [];
    return userIds.filter(has).flatMap((userId) => caps.map((need) => ({ userId, need })));
  });
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
    heardTypes: rows.heardTypes,
    openTopics: rows.openTopics,
    hasStoredTriggers: false,
    large: [],
    contentChars: 0,
    cutWaits: new Map(),
  };
  for (const row of rows.profiles) setProfile(facts, row);
  mergeRows(facts, rows);
  return facts;
}

function setProfile(facts: Facts, { userId, profile, sealed, terms }: ProfileRow): void {
  const user = getUser(facts, userId);
  user.profile = profile;
  if (terms !== '') user.terms = parseStoredTerms(terms);
  if (sealed === null) return;
  const original = openDocument(facts.seal, sealed, documentRow('users', facts.tenantId, userId));
  if (original) user.profile = original as unknown as Profile;
  else user.unreadable = true;
}

/**
 * Adds a stored event, with its original content, to a user state; a large event later: see `completeLargeEvents`.
 * @param add receives it; marked, if its original cannot be opened
 */
function addStored(facts: Facts, { sealed, excerpt, ...event }: SealedEvent, add: (event: Event) => void): void {
  if (excerpt) facts.large.push({ event, excerpt, add });
  else if (sealed === null) add(event);
  else add({ ...event, ...(openContent(facts, event, sealed) ?? { unreadable: true }) });
}

type WholeContent = Content & Pick<Event, 'context'>;

function openContent({ tenantId, seal }: Facts, { userId, key }: Event, sealed: Buffer): WholeContent | undefined {
  const original = openDocument(seal, sealed, documentRow('events', tenantId, userId, key));
  if (!original) return undefined;
  const { properties, traits, context } = original as { readonly [part: string]: JsonObject };
  return { properties: properties!, traits: traits!, ...(context && { context: toReadableContext(context) }) };
}

/**
 * Adds the large events of users of a cohort to their states: with their excerpts, or, where an excerpt leaves out a field that the catalog
 * names, with that and the named fields of the whole content. These contents are read one chunk after the other, up to a
 * bound; that events beyond it have only their excerpts is remembered.
 */
async function completeLargeEvents(
  connection: pg.PoolClient,
  { catalog: { namedFields }, has }: Cohort,
  facts: Facts,
): Promise<void> {
  if (facts.large.length === 0) return;
  const large = facts.large.filter(({ event }) => has(event.userId));
  facts.large = facts.large.filter(({ event }) => !has(event.userId));
  const missing = large.filter(({ event, excerpt }) => !hasNamedFields(excerpt, namedFields.of(event.type)));
  const asked: LargeEvent[] = missing.map(({ event: { userId, time, key }, excerpt: { size } }) => {
    return { userId, time, key, size };
  });
  const done = new Set<LoadedLargeEvent>();
  for await (const chunk of readContents(connection, facts.tenantId, asked, facts.contentChars)) {
    for (const { index, content, sealed } of chunk) {
      const known = missing[index] as LoadedLargeEvent;
      const { event, excerpt } = known;
      const whole: WholeContent | null | undefined = sealed ? openContent(facts, event, sealed) : content;
      if (whole) {
        const named = keepNamedFields(whole, namedFields.of(event.type));
        event.properties = { ...excerpt.properties, ...named.properties };
        event.traits = { ...excerpt.traits, ...named.traits };
        if (whole.context) event.context = whole.context;
      } else event.unreadable = true;
      facts.contentChars += excerpt.size;
      done.add(known);
    }
  }
  for (const { event, add } of large) add(event);
  const byType = groupBy(missing, ({ event: { userId, type } }) => `${userId}\n${type}`);
  for (const events of byType.values()) {
    const examined = events.filter((known) => done.has(known)).length;
    const [first] = events;
    if (!first || examined === events.length) continue;
    const { userId, type } = first.event;
    rememberLeftOut(getUser(facts, userId), { facts: 'contents', type, examined, bound: CONTENT_BOUND });
  }
}

/** Remembers what a bound left out of the facts about users. */
export function noteLeftOut(facts: Facts, kind: LeftOut['facts'], rows: readonly LeftOutRow[]): void {
  for (const { userId, type, examined, bound } of rows) {
    rememberLeftOut(getUser(facts, userId), { facts: kind, type, examined, bound });
  }
}

/** Adds the events and limit uses of rows, each once. Profiles stay as they are: decisions may have changed them. */
export function mergeRows(facts: Facts, { latestEvents, waitingTriggers, limitUses, leftOut }: FactRows): void {
  noteLeftOut(facts, 'events', leftOut);
  facts.hasStoredTriggers ||= waitingTriggers.length > 0;
  for (const { userId, type, event } of latestEvents) mergeEvent(getUser(facts, userId), type, event);
  for (const { event: stored, earlier, within } of waitingTriggers) {
    const { userId, type, key, eventId, time } = stored;
    const waitsFor = new Set([patternKey(earlier, within)]);
    addStored(facts, stored, (event) => {
      mergeEvent(getUser(facts, userId), type, { key, eventId, time, event, waitsFor });
    });
  }
  for (const { userId, limitKey, use } of limitUses) mergeUse(getUser(facts, userId), limitKey, use);
}

/**
 * Loads the facts that only some rules require for events of one cohort, and adds them: events of whole spans, trait changes, rules that fired, and
 * waits. The later look-ups depend on the facts that the earlier ones added.
 */
export async function loadConditionalFacts(
  connection: pg.PoolClient,
  cohort: Cohort,
  { tenantId, history: ofAll }: FactsQuery,
  facts: Facts,
  events: readonly ReceivedEvent[],
): Promise<void> {
  const { rules } = cohort.catalog;
  const history = cohort.pick(ofAll);
  const spans = [...history, ...findTraitHistory(rules, facts, events)];
  await loadSpanEvents(connection, facts, cohort, spans);
  if (rules.hasTraitPatterns) {
    const changes = history.flatMap(({ userId, need }) => (need.kind === 'changes' ? [{ userId, ...need }] : []));
    const { events: rows, leftOut } = await loadTraitChanges(connection, tenantId, changes);
    noteLeftOut(facts, 'events', leftOut);
    const known = new Set<string>();
    for (const userId of new Set(rows.map(({ event }) => event.userId))) {
      for (const { trigger } of getUser(facts, userId).openTraitChanges ?? []) known.add(trigger.key);
    }
    for (const { event: stored, decisions } of rows) {
      if (known.has(stored.key)) continue;
      known.add(stored.key);
      addStored(facts, stored, (event) => {
        addTraitChanges(getUser(facts, event.userId), findOpenChanges(event, decisions));
      });
    }
  }
  await completeLargeEvents(connection, cohort, facts);
  const { ids } = facts;
  const mayReevaluate = facts.hasStoredTriggers || rules.hasTraitPatterns;
  if (mayReevaluate) {
    const fired = events.flatMap((event) => {
      const needs = requiredFired(rules, getUser(facts, event.userId), event);
      return needs.map((need) => ({ ...need, userId: event.userId }));
    });
    const loaded = await loadFired(connection, tenantId, fired);
    noteLeftOut(facts, 'decisions', loaded.leftOut);
    for (const [userId, from] of loaded.knownFrom) {
      const user = getUser(facts, userId);
      user.firedKnownFrom = Math.max(from, user.firedKnownFrom ?? from);
    }
    for (const { userId, time, fired: own } of loaded.fired) {
      for (const [rule, triggerId] of own) rememberFired(getUser(facts, userId), time, rule, triggerId);
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

/** Loads the events of the spans among these look-ups, and adds them, and the large events that were loaded before. */
export async function loadSpanEvents(
  connection: pg.PoolClient,
  facts: Facts,
  cohort: Cohort,
  history: readonly Lookup<HistoryLookup>[],
): Promise<void> {
  const spans = history.flatMap(({ userId, need }) => (need.kind === 'span' ? [{ userId, ...need }] : []));
  if (spans.length === 0) return completeLargeEvents(connection, cohort, facts);
  const loaded = await loadSpans(connection, facts.tenantId, spans);
  noteLeftOut(facts, 'events', loaded.leftOut);
  for (const stored of loaded.events) {
    const { userId, type, key, eventId, time } = stored;
    // Waits for no pattern: `waitingTriggers` has the triggers that wait for their earlier event.
    addStored(facts, stored, (event) => {
      mergeEvent(getUser(facts, userId), type, { key, eventId, time, event, waitsFor: NO_PATTERNS });
    });
    facts.hasStoredTriggers = true;
  }
  await completeLargeEvents(connection, cohort, facts);
}

/**
 * Loads the users' open waits (and the recent ended ones asked for), attaches them to `facts`, and returns the open ones. Users with
 * more of them are in `cutWaits` of the facts.
 */
export async function loadOpenWaits(
  connection: pg.PoolClient,
  facts: Facts,
  query: Parameters<typeof loadWaits>[1],
): Promise<Wait[]> {
  const { waits, leftOut } = await loadWaits(connection, query);
  for (const row of leftOut) {
    const from = waits.reduce(
      (latest, wait) =>
        wait.userId === row.userId && wait.status === 'waiting' ? Math.max(latest, wait.dueAt) : latest,
      0,
    );
    facts.cutWaits.set(row.userId, { from, leftOut: row });
  }
  return attachOpened(facts, waits).filter(({ status }) => status === 'waiting');
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
  const { waits, known } = await loadWaitsById(connection, tenantId, asked);
  attachOpened(facts, waits);
  for (const wait of known) {
    const user = getUser(facts, wait.userId);
    user.startedWaits ??= new Map();
    user.startedWaits.set(wait.waitId, wait);
  }
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
 * Leaves out the waits of these catalog versions, which cannot be read: no event ends or moves them. It stays known that they
 * have started, so that none starts twice.
 */
export function leaveOutWaits({ users }: Facts, isUnreadable: (version: number) => boolean): void {
  for (const user of users.values()) {
    const gone = [...user.waits.values()].filter(({ catalogVersion }) => isUnreadable(catalogVersion));
    if (gone.length === 0) continue;
    for (const wait of gone) {
      user.waits.delete(wait.waitId);
      user.startedWaits ??= new Map();
      user.startedWaits.set(wait.waitId, wait);
    }
    forgetWaitIndex(user.waits);
    const bound = 'catalog versions that can be read';
    rememberLeftOut(user, { facts: 'waits', type: '', examined: user.waits.size, bound });
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
