import { compileCatalog } from '../../src/catalog/compile/compile-catalog.ts';
import { isRejection, parseEvent, type ReceivedEvent } from '../../src/events/envelope.ts';
import { toCohorts } from '../../src/ingest/cohorts.ts';
import { BatchDecider } from '../../src/ingest/decide-batch.ts';
import { newIds } from '../../src/ingest/ids.ts';
import type { Rule } from '../../src/model/catalog.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { JsonObject, Millis } from '../../src/model/event.ts';
import type { Policy } from '../../src/model/preferences.ts';
import { documentRow, openDocument } from '../../src/privacy/documents.ts';
import { Seal } from '../../src/privacy/seal.ts';
import type { RuleSet } from '../../src/rules/compile/rule-set.ts';
import { findOpenChanges } from '../../src/rules/evaluate/trait-changes.ts';
import type { Wait } from '../../src/rules/facts.ts';
import { newUserState, type UserState } from '../../src/rules/user-state.ts';
import { Backtest, type BacktestReport } from '../../src/simulate/backtest/backtest.ts';
import type { StoredEvent, StoredHistory } from '../../src/store/replay.ts';
import { AddressChanges } from '../../src/users/addresses.ts';
import { toItem } from './history-steps.ts';
import { BASE, catalogOf, rulesOf } from './random-catalog.ts';
import type { Step } from './random-history.ts';

/** Backtests in memory: a history is recorded, and then replayed. */

/**
 * Backtests the histories.
 * @param other rules of the candidate; absent: the rules of the past against themselves
 * @param terms of the tenant; absent: no plan is asked
 */
export function replayHistories(
  rules: readonly Rule[],
  histories: readonly StoredHistory[],
  since: Millis,
  until: Millis,
  other?: readonly Rule[],
  terms?: TenantTerms,
  otherTerms?: TenantTerms,
): BacktestReport {
  const set = terms ? onTerms(rulesOf(rules), terms) : rulesOf(rules);
  const candidate = other && (otherTerms ? onTerms(rulesOf(other, 2), otherTerms) : rulesOf(other, 2));
  const keyed = (text: string) => seal.hash(text);
  const { comparesAddresses } = set;
  const backtest = new Backtest({
    since,
    until,
    candidate: candidate ?? null,
    version: () => set,
    comparesAddresses,
    keyed,
  });
  for (const history of histories) backtest.addUser(history);
  return backtest.report();
}

/** Records a history under one rule, and backtests another in its place. The period is the whole history by default. */
export function compareRules(
  before: Rule,
  after: Rule,
  steps: readonly Step[],
  since = BASE,
  until?: Millis,
): BacktestReport {
  const { histories, end } = recordHistory([before], steps);
  return replayHistories([before], histories, since, until ?? end + 1, [after]);
}

/** Triggers for which a rule sent the same notification, or acted, more than once. A digest is named by one of its items. */
export function findFiredTwice({ events, waits }: Pick<StoredHistory, 'events' | 'waits'>): string[] {
  const decisions = [...events.flatMap((event) => event.decisions()), ...waits.flatMap((wait) => wait.decisions)];
  const sends = decisions
    .filter(({ outcome, evidence }) => (outcome === 'send' || outcome === 'acted') && !evidence.digest)
    .map(({ rule, notification_type: type, event_ids: [trigger] }) => `${rule} ${type} ${trigger}`);
  return sends.filter((one, place) => sends.indexOf(one) < place);
}

/** The terms of a tenant. */
export interface TenantTerms {
  readonly policy: Policy;
  /** The window within which N1 does not repeat itself; absent: it may. */
  readonly dedupe?: Millis | undefined;
}

/** Returns the rules on the terms of a tenant, whose notifications go by two channels that users can turn off. */
export function onTerms(set: RuleSet, { policy, dedupe }: TenantTerms): RuleSet {
  const types = [...set.notifications.values()].map((type) => {
    const own = { ...type, channels: ['email', 'sms'] as const, ...(dedupe && type.name === 'N1' && { dedupe }) };
    return [type.name, own] as const;
  });
  const digestChannels = new Map(types.map(([name, { channels }]) => [name, new Set(channels)]));
  const notifications = new Map(types);
  const comparesAddresses = Object.values(policy.consent).some((sources) => sources.includes('record'));
  return { ...set, policy, notifications, digestChannels, comparesAddresses, dedupeWindow: dedupe ?? 0 };
}

/** The key of the addresses in the histories. */
export const seal = new Seal(Buffer.alloc(32));

/** Runs the pipeline without its database; returns the histories of the users as they would have been stored, and the end. */
export function recordHistory(
  rules: readonly Rule[],
  steps: readonly Step[],
  terms?: TenantTerms,
): { histories: StoredHistory[]; end: Millis } {
  // Posted events need no schemas here, and schemas are slow to compile.
  const { traits: _, ...data } = catalogOf(rules);
  const set = terms ? onTerms(rulesOf(rules), terms) : rulesOf(rules);
  const catalog = { ...compileCatalog(1, 0, { ...data, events: [] }), rules: set };
  const cohorts = toCohorts({ active: { version: 1, release: null }, base: catalog, released: undefined });
  const users = new Map<string, UserState>();
  const events: StoredEvent[] = [];
  const ends = new Map<string, readonly Decision[]>();
  const hashes = new Map<string, { readonly [kind: string]: string }>();
  let now = BASE;
  let made = 0;
  for (const step of steps) {
    now += step.gap;
    const facts = { tenantId: 't', seal, ids: newIds(seal), users, addressHashes: hashes, heardTypes: null };
    if (set.comparesAddresses) {
      for (const user of users.values()) user.addressIds = { byKind: hashes.get(user.userId) ?? {} };
    }
    const addresses = new AddressChanges('t', new Map(hashes), seal);
    const decider = new BatchDecider(now, cohorts, facts as never, addresses);
    const follow = (emitted: readonly ReceivedEvent[]) => {
      for (let left = emitted; left.length > 0; ) left = decider.decide(left);
    };
    if (step.kind === 'post') {
      const read = step.events.map((event) => {
        const item = toItem(event, ++made, now);
        const userId = String(item.user_id);
        if (!users.has(userId)) {
          users.set(userId, newUserState(userId));
          if (set.comparesAddresses) users.get(userId)!.addressIds = { byKind: {} };
        }
        const read = parseEvent('t', item, () => null);
        if (isRejection(read)) throw new Error(read.message);
        return read;
      });
      follow(decider.decide(read));
    } else {
      let left: readonly Wait[] = [...users.values()].flatMap(({ waits }) =>
        [...waits.values()].filter(({ status, dueAt }) => status === 'waiting' && dueAt <= now),
      );
      while (left.length > 0) {
        const ended = decider.fireWaits(left);
        follow(ended.emitted);
        left = ended.left;
      }
    }
    const batch = decider.buildBatch();
    for (const userId of users.keys()) hashes.set(userId, addresses.getHashes(userId));
    for (const { event, decisions, sealed } of batch.events) {
      const { tenantId, userId, eventId, key, type, time, properties, contextText } = event;
      const original = sealed && openDocument(seal, sealed, documentRow('events', tenantId, userId, key));
      const traits = original ? (original.traits as JsonObject) : event.traits;
      const emittedBy = contextText === null ? null : String(JSON.parse(contextText).emitted_by);
      const own = { tenantId, userId, eventId, key, type, time, properties, traits };
      const stored = JSON.parse(JSON.stringify(decisions)) as Decision[];
      events.push({
        ...own,
        openChanges: () => findOpenChanges(own, stored),
        receivedAt: now,
        catalogVersion: 1,
        emittedBy,
        hasFired: true,
        decisions: () => stored,
      });
    }
    for (const { wait, decisions } of batch.waits) {
      wait.stored = 'same';
      if (wait.status !== 'waiting') ends.set(wait.waitId, JSON.parse(JSON.stringify(decisions)));
    }
  }
  const histories = [...users.values()].map(
    ({ userId, profile, terms: own, waits, uses }): StoredHistory => ({
      userId,
      profile,
      terms: own,
      addressHashes: hashes.get(userId) ?? {},
      events: events
        .filter((event) => event.userId === userId)
        .sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1)),
      waits: [...waits.values()].map((wait) => ({
        ...wait,
        endedVersion: null,
        decisions: ends.get(wait.waitId) ?? [],
      })),
      uses: [...uses].flatMap(([limitKey, list]) => [...list].map((use) => ({ limitKey, ...use }))),
    }),
  );
  return { histories, end: now };
}
