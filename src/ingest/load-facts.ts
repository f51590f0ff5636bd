import type pg from 'pg';
import type { Catalog } from '../catalog/cache.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Millis } from '../model/event.ts';
import { begunWaits, toldNeeds } from '../rules/already-fired.ts';
import { absorb, type HistoryNeed, type LimitNeed, type PersonFacts, type Wait } from '../rules/facts.ts';
import { historyNeeds, limitNeeds, waitNeeds } from '../rules/required-facts.ts';
import type { Facts, FactsQuery, Needed } from '../store/facts.ts';
import { loadTold } from '../store/fired.ts';
import { loadSpans } from '../store/spans.ts';
import { loadChanges } from '../store/trait-changes.ts';
import { loadWaits, loadWaitsById } from '../store/waits.ts';
import { ids } from './ids.ts';

// The beginning of a batch: what the rules need to know of its people comes together here.

/** What the rules of a catalog need to know beforehand, to decide these events. */
export function factsQuery(
  { rules }: Catalog,
  tenantId: string,
  userIds: readonly string[],
  events: readonly ReceivedEvent[],
  now: Millis,
  lookUp: boolean,
): FactsQuery {
  const history: Needed<HistoryNeed>[] = [];
  const limits: Needed<LimitNeed>[] = [];
  for (const event of events) {
    const { userId } = event;
    for (const need of historyNeeds(rules, event)) history.push({ userId, need });
    for (const need of limitNeeds(rules, event, ids, now)) limits.push({ userId, need });
  }
  return { tenantId, userIds, events: lookUp ? events : [], history, limits };
}

/** Nothing but the people themselves. */
export const NOTHING_ASKED = { events: [], history: [], limits: [] };

/** Whole events, changes of traits, and waits: what only some rules ask for. */
export async function loadMore(
  connection: pg.PoolClient,
  { rules }: Catalog,
  { tenantId, history }: FactsQuery,
  facts: Facts,
  events: readonly ReceivedEvent[],
): Promise<void> {
  const spans = history.flatMap(({ userId, need }) => (need.kind === 'span' ? [{ userId, ...need }] : []));
  if (spans.length > 0) await loadSpans(connection, tenantId, spans, facts.people);
  if (rules.changesWait) {
    const changes = history.flatMap(({ userId, need }) => (need.kind === 'changes' ? [{ userId, ...need }] : []));
    await loadChanges(connection, tenantId, changes, facts.people);
  }
  const told = events.flatMap((event) => {
    const person = facts.people.get(event.userId) as PersonFacts;
    return toldNeeds(rules, person, event).map((need) => ({ ...need, userId: event.userId }));
  });
  await loadTold(connection, tenantId, told, facts.people);
  if (!rules.waits && !facts.hasWaits) return;
  const begun = events.flatMap((event) => {
    const person = facts.people.get(event.userId) as PersonFacts;
    return begunWaits(rules, person, event, ids).map((waitId) => ({ userId: event.userId, waitId }));
  });
  if (begun.length > 0) hand(facts, await loadWaitsById(connection, tenantId, begun));
  const userIds = [...new Set(events.map((event) => event.userId))];
  const needs = events.flatMap((event) => waitNeeds(rules, event, ids).map((need) => ({ userId: event.userId, need })));
  await take(connection, facts, { tenantId, userIds, needs });
}

/** Hands the people their waits, and returns those that are open. */
export async function take(
  connection: pg.PoolClient,
  facts: Facts,
  query: Parameters<typeof loadWaits>[1],
): Promise<readonly Wait[]> {
  const waits = await loadWaits(connection, query);
  hand(facts, waits);
  return waits.filter(({ status }) => status === 'waiting');
}

/** To the people, the waits that are theirs. */
export function hand(facts: Facts, waits: readonly Wait[]): void {
  for (const wait of waits) {
    const person = facts.people.get(wait.userId);
    // What this transaction has changed already is newer than what is stored.
    if (person && !person.waits.has(wait.waitId)) person.waits.set(wait.waitId, wait);
  }
}

/** Adds what was looked up later. */
export function absorbAll(facts: Facts, more: Facts): void {
  for (const [userId, person] of more.people) {
    const known = facts.people.get(userId);
    if (known) absorb(known, person);
  }
}
