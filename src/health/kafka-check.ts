import type { Millis } from '../model/event.ts';
import type { SourceState } from '../model/source.ts';
import { type HealthCheck, OK } from './check.ts';

const MAX_AGE_MS: Millis = 1000;

/** Records of a topic that may wait before the topic counts as behind: what is decided in some ten seconds. */
const MAX_LAG = 50_000;

/** Checks that the topics of the sources are read, and how far they are behind. HTTP needs none of it. */
export function checkKafka(getState: () => SourceState): HealthCheck {
  return {
    name: 'kafka',
    maxAge: MAX_AGE_MS,
    whenUnknown: 'degraded',
    run() {
      const { problem, missing, lag } = getState();
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
      const waiting = [...lag.values()].reduce((sum, records) => sum + records, 0);
      if ([...lag.values()].every((records) => records <= MAX_LAG)) return OK;
      return {
        status: 'degraded',
        cause: `${waiting} records of topics wait to be decided`,
        hint: 'see `tidings sources list`; start more processes, up to the number of partitions',
      };
    },
  };
}
