import type pg from 'pg';
import type { Catalog } from '../catalog/cache.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Millis } from '../model/event.ts';
import { requiredFired, startedWaitIds } from '../rules/already-fired.ts';
import { type HistoryLookup, type LimitLookup, mergeUserState, type UserState, type Wait } from '../rules/facts.ts';
import { requiredHistory, requiredLimits, requiredWaits } from '../rules/required-facts.ts';
import type { Facts, FactsQuery, Lookup } from '../store/facts.ts';
import { loadFired } from '../store/fired.ts';
import { loadSpans } from '../store/spans.ts';
import { loadTraitChanges } from '../store/trait-changes.ts';
import { loadWaits, loadWaitsById } from '../store/waits.ts';
import { ids } from './ids.ts';

// The beginning of a batch: what the rules need to know of its people comes together here.

/** What the rules of a catalog need to know beforehand, to decide these events. */
export function buildFactsQuery(
  { rules }: Catalog,
  tenantId: string,
  userIds: readonly string[],
  events: readonly ReceivedEvent[],
  now: Millis,
  lookUp: boolean,
): FactsQuery {
  const history: Lookup<HistoryLookup>[] = [];
  const limits: Lookup<LimitLookup>[] = [];
  for (const event of events) {
    const { userId } = event;
    for (const need of requiredHistory(rules, event)) history.push({ userId, need });
    for (const need of requiredLimits(rules, event, ids, now)) limits.push({ userId, need });
  }
  return { tenantId, userIds, events: lookUp ? events : [], history, limits };
}

/** Nothing but the people themselves. */
export const EMPTY_FACTS_QUERY = { events: [], history: [], limits: [] };

/** Whole events, changes of traits, and waits: what only some rules ask for. */
export async function loadConditionalFacts(
  connection: pg.PoolClient,
  { rules }: Catalog,
  { tenantId, history }: FactsQuery,
  facts: Facts,
  events: readonly ReceivedEvent[],
): Promise<void> {
  const spans = history.flatMap(({ userId, need }) => (need.kind === 'span' ? [{ userId, ...need }] : []));
  if (spans.length > 0) await loadSpans(connection, tenantId, spans, facts.users);
  if (rules.hasTraitPatterns) {
    const changes = history.flatMap(({ userId, need }) => (need.kind === 'changes' ? [{ userId, ...need }] : []));
    await loadTraitChanges(connection, tenantId, changes, facts.users);
  }
  const told = events.flatMap((event) => {
    const user = facts.users.get(event.userId) as UserState;
    return requiredFired(rules, user, event).map((need) => ({ ...need, userId: event.userId }));
  });
  await loadFired(connection, tenantId, told, facts.users);
  if (!rules.waits && !facts.hasWaits) return;
  const begun = events.flatMap((event) => {
    const user = facts.users.get(event.userId) as UserState;
    return startedWaitIds(rules, user, event, ids).map((waitId) => ({ userId: event.userId, waitId }));
  });
  if (begun.length > 0) attachWaits(facts, await loadWaitsById(connection, tenantId, begun));
  const userIds = [...new Set(events.map((event) => event.userId))];
  const needs = events.flatMap((event) =>
    requiredWaits(rules, event, ids).map((need) => ({ userId: event.userId, need })),
  );
  await loadOpenWaits(connection, facts, { tenantId, userIds, needs });
}

/** Hands the people their waits, and returns those that are open. */
export async function loadOpenWaits(
  connection: pg.PoolClient,
  facts: Facts,
  query: Parameters<typeof loadWaits>[1],
): Promise<readonly Wait[]> {
  const waits = await loadWaits(connection, query);
  attachWaits(facts, waits);
  return waits.filter(({ status }) => status === 'waiting');
}

/** To the people, the waits that are theirs. */
export function attachWaits(facts: Facts, waits: readonly Wait[]): void {
  for (const wait of waits) {
    const user = facts.users.get(wait.userId);
    // What this transaction has changed already is newer than what is stored.
    if (user && !user.waits.has(wait.waitId)) user.waits.set(wait.waitId, wait);
  }
}

/** Adds what was looked up later. */
export function mergeFacts(facts: Facts, more: Facts): void {
  for (const [userId, user] of more.users) {
    const known = facts.users.get(userId);
    if (known) mergeUserState(known, user);
  }
}
