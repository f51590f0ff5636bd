import type { Decision } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import type { ReleaseUnderWay } from '../../model/release.ts';
import type { GoalRows } from '../goals/goal-rows.ts';
import type { Statement } from '../pg/pipeline.ts';
import { isReleasedTo } from '../releases/active-version.ts';
import { type Counter, toReleaseGroups } from './counters.ts';
import type { DeltaItem } from './delta-item.ts';
import { isHeldBack } from './held.ts';

const MINUTE_MS = 60_000;

/** The parts of a batch that are counted. */
export interface CountedBatch {
  readonly tenantId: string;
  /** Decision time. */
  readonly now: Millis;
  /** The release under way, whose users are counted apart; null: none is. */
  readonly release: ReleaseUnderWay | null;
  readonly events: readonly {
    readonly event: { readonly type: string; readonly userId: string };
    readonly decisions: readonly Decision[];
    readonly catalogVersion: number;
  }[];
  readonly waits: readonly {
    readonly wait: { readonly catalogVersion: number; readonly userId: string };
    readonly decisions: readonly Decision[];
  }[];
  readonly facts: readonly { readonly factId: string }[];
  /** Includes those of facts, which are not counted. */
  readonly notifications: readonly {
    readonly userId: string;
    readonly notificationId: string;
    readonly type: string;
    readonly rule: string;
    readonly catalogVersion: number;
  }[];
  /** Absent: no notification type has a goal. */
  readonly goals?: Pick<GoalRows, 'types'> | undefined;
  readonly deliveries: readonly { readonly type: string; readonly channel: string; readonly catalogVersion: number }[];
}

/** Returns the statement that adds what a batch decided to the deltas; undefined: it decided nothing that is counted. */
export function countStatement(batch: CountedBatch): Statement | undefined {
  const items = countBatch(batch);
  if (items.length === 0) return undefined;
  return { name: 'count-batch', text: COUNT, values: [batch.tenantId, JSON.stringify(items)] };
}

const COUNT = 'insert into metric_deltas (tenant_id, items) values ($1, $2)';

/** Returns what a batch decided, summed up. */
export function countBatch(batch: CountedBatch): DeltaItem[] {
  const { now, release, events, waits, facts, notifications, deliveries, goals } = batch;
  const sums = new Sums(Math.floor(now / MINUTE_MS));
  const groupOf = release === null ? () => undefined : groupsOf(release);
  for (const { event, decisions, catalogVersion: version } of events) {
    const group = groupOf(event.userId);
    sums.add('events', `${version} ${group} ${event.type}`, { event: event.type, version, release: group });
    countDecisions(sums, decisions, version, group);
  }
  for (const { wait, decisions } of waits) {
    if (decisions.length > 0) countDecisions(sums, decisions, wait.catalogVersion, groupOf(wait.userId));
  }
  const factIds = facts.length > 0 ? new Set(facts.map(({ factId }) => factId)) : undefined;
  for (const { userId, notificationId, type, rule, catalogVersion: version } of notifications) {
    if (factIds?.has(notificationId)) continue;
    const group = groupOf(userId);
    const key = `${version} ${group} ${rule} ${type}`;
    const dimensions = { type, rule, version, release: group };
    sums.add('decided', key, dimensions);
    if (goals?.types.get(version)?.has(type)) sums.add('aimed', key, dimensions);
  }
  for (const { type, channel, catalogVersion: version } of deliveries)
    sums.add('planned', `${version} ${channel} ${type}`, { type, channel, version });
  return sums.items();
}

/** Returns the value of the dimension `release` for a user. */
function groupsOf(release: ReleaseUnderWay): (userId: string) => string {
  const { released, others } = toReleaseGroups(release.id);
  return (userId) => (isReleasedTo(release, userId) ? released : others);
}

function countDecisions(sums: Sums, decisions: readonly Decision[], version: number, group: string | undefined): void {
  for (const decision of decisions) {
    const { notification_type: type, rule, reason_code: reason, evidence } = decision;
    if (isHeldBack(decision))
      sums.add('held', `${version} ${group} ${reason} ${rule} ${type}`, {
        type,
        rule,
        reason,
        version,
        release: group,
      });
    for (const { verdict, channel, code } of evidence.plan ?? []) {
      if (verdict === 'drop')
        sums.add('dropped', `${version} ${channel} ${code} ${rule} ${type}`, {
          ...{ type, rule, channel, version },
          reason: code,
        });
    }
  }
}

type Dimensions = Omit<DeltaItem, Counter | 'minute' | 'release'> & { readonly release?: string | undefined };

/** Counters by what they count. */
class Sums {
  readonly #minute: number;
  readonly #sums = new Map<string, { readonly dimensions: Dimensions; readonly counter: Counter; count: number }>();

  constructor(minute: number) {
    this.#minute = minute;
  }

  /** @param key of the dimensions, unique for the counter */
  add(counter: Counter, key: string, dimensions: Dimensions): void {
    const found = this.#sums.get(counter + key);
    if (found) found.count++;
    else this.#sums.set(counter + key, { dimensions, counter, count: 1 });
  }

  items(): DeltaItem[] {
    return Array.from(this.#sums.values(), ({ dimensions: { release, ...dimensions }, counter, count }) => ({
      minute: this.#minute,
      ...dimensions,
      ...(release === undefined ? {} : { release }),
      [counter]: count,
    }));
  }
}
