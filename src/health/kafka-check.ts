import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import type { SinkState, TopicProblem } from '../model/sink.ts';
import type { SourceState } from '../model/source.ts';
import { findTopicTrouble } from '../store/kafka/topics.ts';
import { type CheckResult, type HealthCheck, OK } from './check.ts';

const MAX_AGE_MS: Millis = 1000;

/** Records of a topic that may wait before the topic counts as behind: what is decided in some ten seconds. */
export const MAX_LAG = 50_000;
/** Time (ms) that a message for a topic may wait. */
const MAX_WAIT_MS: Millis = 60_000;

/** States in which a process reads and writes topics. */
export interface KafkaStates {
  readonly getSources: () => SourceState;
  readonly getSinks: () => SinkState;
}

/**
 * Checks that the topics of the sources are read, and how far they are behind; and that the topics which are written take their
 * messages. HTTP needs none of it.
 */
export function checkKafka(pool: pg.Pool, clock: () => Millis, { getSources, getSinks }: KafkaStates): HealthCheck {
  return {
    name: 'kafka',
    maxAge: MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      return checkSources(getSources()) ?? (await checkSinks(pool, clock(), getSinks())) ?? OK;
    },
  };
}

function checkSources({ problem, missing, failing, lag }: SourceState): CheckResult | undefined {
  if (problem !== null) {
    return {
      status: 'degraded',
      cause: `topics are not read: ${problem}`,
      hint: 'look at the brokers, and at TIDINGS_KAFKA_…; reading goes on by itself where it was',
    };
  }
  if (missing.length > 0) {
    return {
      status: 'degraded',
      cause: `the brokers do not have ${missing.length === 1 ? 'a topic' : `${missing.length} topics`} of sources.yaml, or the login may not read it`,
      hint: 'create the topic, correct its name (`tidings sources list`), or let the login read it',
    };
  }
  const [cause] = failing.values();
  if (cause !== undefined) {
    return {
      status: 'degraded',
      cause: `${topics(failing.size)} of sources.yaml ${failing.size === 1 ? 'is' : 'are'} not read: ${cause}`,
      hint: 'see the log for its name; the others are read, and it is tried again by itself',
    };
  }
  if ([...lag.values()].every((records) => records <= MAX_LAG)) return undefined;
  const waiting = [...lag.values()].reduce((sum, records) => sum + records, 0);
  return {
    status: 'degraded',
    cause: `${waiting} records of topics wait to be decided`,
    hint: 'see `tidings sources list`; start more processes, up to the number of partitions',
  };
}

const CAUSES: { readonly [problem in TopicProblem]: string } = {
  brokers_away: 'not written, because the brokers cannot be used',
  topic_missing: 'not written, because the brokers do not have it',
  not_authorized: 'not written, because the login may not write it',
  not_allowed: 'not written, because the operator no longer allows it',
  open_transaction: 'not written, because a transaction of the PostgreSQL server does not end',
  failing: 'not written, because sends fail',
};

async function checkSinks(pool: pg.Pool, now: Millis, { problem }: SinkState): Promise<CheckResult | undefined> {
  const hint = 'see `tidings sinks list`; what waits is written in its order by itself';
  const { problems, waiting, full, parked, late } = await findTopicTrouble(pool, now - MAX_WAIT_MS);
  // If nothing is to be sent, because what failed is paused or discarded, no send tells that the brokers can be used again.
  if (problem !== null && waiting > 0) {
    return { status: 'degraded', cause: `topics are not written: ${problem}`, hint };
  }
  if (full > 0) {
    const cause = `too much waits for ${topics(full)}: nothing more is recorded`;
    return {
      status: 'degraded',
      cause,
      hint: 'see `tidings sinks list`; a message in the topic will say what it lacks',
    };
  }
  for (const [code, count = 0] of Object.entries(problems)) {
    if (count > 0) return { status: 'degraded', cause: `${topics(count)} ${CAUSES[code as TopicProblem]}`, hint };
  }
  if (late > 0) return { status: 'degraded', cause: `messages for ${topics(late)} wait for more than a minute`, hint };
  if (parked === 0) return undefined;
  const cause = `${parked} ${parked === 1 ? 'message for a topic was' : 'messages for topics were'} set aside`;
  return { status: 'degraded', cause, hint: 'see `tidings sinks parked NAME`; retry or discard them' };
}

function topics(count: number): string {
  return count === 1 ? '1 topic' : `${count} topics`;
}
