import { afterAll, beforeAll } from 'vitest';
import type { EventResult } from '../../src/ingest/results.ts';
import type { Rule } from '../../src/model/catalog.ts';
import { catalogOf, type Given, NOW, propertiesOf, traitsOf } from './random-catalog.ts';
import { type TestProcess, type TestTidings, testTidings } from './tidings.ts';

const FOREVER = Number.MAX_SAFE_INTEGER;

/** Two processes on one database, for tests of random events that reach either of them. */
export interface ProcessPair {
  readonly tidings: TestTidings;
  readonly processes: readonly [TestProcess, TestProcess];
  /** Applies a catalog with these rules, known to both processes. */
  applyRules(rules: readonly Rule[]): Promise<void>;
  /** Sends a request to the first process for an even number, to the second for an odd one. */
  ingest(number: number, items: readonly unknown[]): Promise<readonly EventResult[]>;
  /** A prefix for the IDs of users and events that no other test uses. */
  nextRun(): string;
}

/**
 * Prepares the tests of a file: call it once, at its top. The clock stands at NOW of random-catalog.ts. The second process
 * accepts events however far they lie in the future.
 */
export function useProcessPair(): () => ProcessPair {
  let pair: ProcessPair;
  let runs = 0;
  beforeAll(async () => {
    const tidings = await testTidings();
    tidings.clock.now = NOW;
    const processes = [tidings, tidings.startProcess({ maxFuture: FOREVER })] as const;
    pair = {
      tidings,
      processes,
      async applyRules(rules) {
        await tidings.apply(catalogOf(rules));
      },
      ingest: (number, items) => processes[number % 2]!.ingest(items),
      nextRun: () => `run ${runs++}`,
    };
  });
  afterAll(() => pair.tidings.close());
  return () => pair;
}

/** A random event as a caller posts it, the one at `place` of its run. */
export function itemOf(run: string, given: Given, place: number, traits: object = {}) {
  return {
    event_id: `${run} ${place}`,
    user_id: `${run} ${given.user}`,
    event_type: given.type,
    event_timestamp: new Date(given.time).toISOString(),
    properties: propertiesOf(given),
    user_traits: { ...traitsOf(given), ...traits },
  };
}
