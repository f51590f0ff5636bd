import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CatalogFiles } from '../src/catalog/catalog-files.ts';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { type TidingsError, toOutdated } from '../src/errors.ts';
import { bucketOf } from '../src/lib/bucket-of.ts';
import { systemActor } from '../src/model/principal.ts';
import { chooseVersion, isReleasedTo } from '../src/store/releases/active-version.ts';
import { changeShare, endRelease, loadLatestRelease, startRelease } from '../src/store/releases/releases.ts';
import { runs } from './support/properties.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The version that decides about a user, as a function; and that a backtest repeats what was decided over any history of releases. */

describe('the version of a user', () => {
  const anyUser = fc.string({ minLength: 1, maxLength: 40 });
  test('is always the same, and a larger share has all users of a smaller one', () => {
    fc.assert(
      fc.property(fc.uuid(), anyUser, fc.integer({ min: 1, max: 10_000 }), fc.nat(9999), (id, user, share, more) => {
        const larger = Math.min(10_000, share + more);
        const active = (of: number) => ({ version: 1, release: { id, version: 2, share: of } });
        const version = chooseVersion(active(share), user);
        expect(chooseVersion(active(share), user)).toBe(version);
        if (version === 2) expect(chooseVersion(active(larger), user)).toBe(2);
        expect(chooseVersion(active(10_000), user)).toBe(2);
      }),
      runs(300),
    );
  });

  test('depends on the share as it says, whatever the ids look like, and not on other releases', () => {
    const users = Array.from({ length: 20_000 }, (_, n) => `user-${n}`);
    const [one, other] = [randomUUID(), randomUUID()];
    const of = (id: string) => users.filter((user) => isReleasedTo({ id, share: 1000 }, user));
    const inBoth = of(one).filter((user) => isReleasedTo({ id: other, share: 1000 }, user));
    expect(of(one).length).toBeGreaterThan(1800);
    expect(of(one).length).toBeLessThan(2200);
    expect(inBoth.length).toBeLessThan(300);
  });

  test('is the same in every version of Tidings', () => {
    expect(
      ['a', 'user-1', 'ü', ''].map((user) => bucketOf('01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', user, 10_000)),
    ).toEqual(BUCKETS);
  });
});

const BUCKETS = [2931, 8602, 9642, 1184];

const USERS = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'];

/** Catalogs that differ in types, times, limits and policy. */
const CATALOGS = [
  filesOf('A', 'delay: 1h', '', 'caps: { sms: { per_day: 1 } }'),
  filesOf('B', 'delay: 30m', ', limit: 1 per day', ''),
  filesOf('C', 'debounce: 20m', '', 'caps: { sms: { per_hour: 2 } }'),
  filesOf('D', 'delay: 2h', ', limit: once', 'quiet_hours: 13:00-18:00'),
];

function filesOf(type: string, wait: string, limit: string, policy: string): CatalogFiles {
  return new Map([
    ['events.yaml', 'events:\n  paid: {}\n  gone: {}\n'],
    [
      'notifications.yaml',
      `notifications:\n  ${type}: { category: MARKETING, channels: [sms] }\n  NOW: { category: MARKETING, channels: [sms] }\n`,
    ],
    [
      'rules.yaml',
      `rules:\n  WAIT: { on: paid, ${wait}, notify: ${type}${limit}, cancel_on: gone }\n  NOW: { on: paid }\n`,
    ],
    [`templates/${type}/sms.en.txt`, 'Hello'],
    ['templates/NOW/sms.en.txt', 'Hello'],
    ...(policy === '' ? [] : ([['preferences.yaml', `${policy}\n`]] as const)),
  ]);
}

type Step =
  | { readonly do: 'post'; readonly users: readonly number[]; readonly type: 'paid' | 'gone' }
  | { readonly do: 'later'; readonly minutes: number }
  | { readonly do: 'start'; readonly catalog: number; readonly share: number }
  | { readonly do: 'raise' }
  | { readonly do: 'finish' }
  | { readonly do: 'roll back' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('post' as const),
      users: fc.uniqueArray(fc.nat(USERS.length - 1), { minLength: 1 }),
      type: fc.constantFrom('paid', 'paid', 'gone'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('later' as const), minutes: fc.integer({ min: 1, max: 100 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      catalog: fc.nat(CATALOGS.length - 1),
      share: fc.integer({ min: 1000, max: 9000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('raise' as const, 'finish' as const, 'roll back' as const) }),
  },
);

describe('a backtest', () => {
  let tidings: TestTidings;
  beforeAll(async () => {
    tidings = await testTidings({}, CATALOGS[0]);
  });
  afterAll(() => tidings.close());

  const BY = systemActor('test');

  async function run(step: Step, prefix: string): Promise<void> {
    const { clock, database } = tidings;
    const { pool } = database;
    const latest = await loadLatestRelease(pool, TENANT);
    const id = latest?.state === 'watching' ? latest.id : undefined;
    clock.now += 1;
    if (step.do === 'later') {
      clock.now += step.minutes * 60_000;
      await tidings.fireDueWaits(USERS.map((user) => `${prefix} ${user}`));
      clock.now += 1;
    } else if (step.do === 'post') {
      const at = new Date(clock.now).toISOString();
      const users = step.users.map((n) => `${prefix} ${USERS[n]}`);
      await tidings.ingest(users.map((user_id) => ({ user_id, event_type: step.type, event_timestamp: at })));
    } else if (step.do === 'start') {
      if (id !== undefined) return;
      const version = await validateCatalogFiles(CATALOGS[step.catalog] as CatalogFiles);
      const release = {
        operationId: randomUUID(),
        version,
        share: step.share,
        note: null,
        watch: null,
        finishAt: null,
        startsAt: null,
      };
      const started = startRelease(pool, TENANT, { ...release, expected: undefined }, BY, clock.now, toOutdated);
      // The catalog may be the active one.
      await started.catch((error: TidingsError) => expect(error.code).toBe('invalid_request'));
    } else if (id !== undefined) {
      if (step.do === 'raise')
        await changeShare(pool, TENANT, id, Math.min(10_000, (latest?.share ?? 0) + 2500), BY, clock.now);
      else {
        const state = step.do === 'finish' ? 'finished' : 'rolled_back';
        await endRelease(pool, TENANT, id, { state, reason: null, comparison: null }, BY, clock.now);
      }
    }
  }

  test('repeats every decision of any history of releases, shares and rollbacks', async () => {
    let tries = 0;
    let decided = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
        const prefix = `try ${tries++}`;
        tidings.clock.now += 90 * 60_000;
        const since = tidings.clock.now;
        for (const step of steps) await run(step, prefix);
        tidings.clock.now += 1;
        const { reproduced } = await tidings.backtest(since);
        decided += reproduced?.decisions ?? 0;
        expect(reproduced?.examples ?? []).toEqual([]);
        expect(reproduced?.different).toBe(0);
      }),
      runs(12),
    );
    expect(decided).toBeGreaterThan(100);
  });
});
