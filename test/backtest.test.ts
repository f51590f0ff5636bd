import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Assembly } from '../src/assembly.ts';
import { Catalogs, compileCatalog } from '../src/catalog/catalogs.ts';
import { noopProvider } from '../src/channels/noop.ts';
import { backtest } from '../src/cli/backtest.ts';
import { isRejection, readEvent } from '../src/events/envelope.ts';
import { Reach } from '../src/events/reach.ts';
import { ids } from '../src/ids.ts';
import { type CatalogData, CHANNELS, type Decision, type JsonObject, type Millis, type Rule } from '../src/model.ts';
import { Pipeline } from '../src/pipeline.ts';
import { Seal } from '../src/privacy/seal.ts';
import { nextOccurrence, occurrenceLabel, zoneOf } from '../src/rules/calendar.ts';
import { type PersonFacts, stranger } from '../src/rules/facts.ts';
import { Backtest, type BacktestReport } from '../src/simulate/backtest.ts';
import type { Life, PastEvent } from '../src/simulate/life.ts';
import { applyCatalog } from '../src/store/catalogs.ts';
import { Partitions } from '../src/store/partitions.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { BASE, catalogOf } from './support/random-catalog.ts';
import { anyRules, type HistoryEvent, type Step, someHistory } from './support/random-history.ts';

describe('what was decided is decided again, exactly', () => {
  test('in memory: any rules, any history, from any moment on', () => {
    fc.assert(
      fc.property(anyRules(false), someHistory(25), share, (rules, steps, from) => {
        const { lives, end } = play(
          rules,
          steps.filter(({ kind }) => kind !== 'apply'),
        );
        const since = BASE + Math.floor((end - BASE) * from);
        const report = replayAll(rules, lives, since, end + 1);
        expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
        const { added, removed, moved, live, unchanged } = report.totals;
        expect({ added, removed, moved, unchanged }).toEqual({ added: 0, removed: 0, moved: 0, unchanged: live });
      }),
      { numRuns: RUNS },
    );
  });

  describe('by the real pipeline on a real database', () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await testDatabase();
    });
    afterAll(() => database.drop());
    let tenants = 0;

    test('any rules, any history, two catalogs in turns, from any moment on', async () => {
      await fc.assert(
        fc.asyncProperty(anyRules(true), anyRules(true), someHistory(15), share, async (one, other, steps, from) => {
          const tenantId = `tenant ${++tenants}`;
          const end = await live(database, tenantId, [catalogOf(one), catalogOf(other)], steps);
          const since = BASE + Math.floor((end - BASE) * from);
          const report = await backtest(database.pool, { tenantId, candidate: null, since, until: end + 1 });
          expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
        }),
        { numRuns: Math.ceil(RUNS / 6) },
      );
    });

    test('the catalog that was in force, as a candidate, changes nothing', async () => {
      await fc.assert(
        fc.asyncProperty(anyRules(false), someHistory(12), share, async (rules, steps, from) => {
          const tenantId = `tenant ${++tenants}`;
          const catalog = catalogOf(rules);
          const end = await live(database, tenantId, [catalog], steps, true);
          const since = BASE + Math.floor((end - BASE) * from);
          const { totals } = await backtest(database.pool, { tenantId, candidate: catalog, since, until: end + 1 });
          expect(totals).toEqual({
            ...totals,
            added: 0,
            removed: 0,
            moved: 0,
            unchanged: totals.live,
            new: totals.live,
          });
        }),
        { numRuns: Math.ceil(RUNS / 12) },
      );
    });
  });
});

const RUNS = Number(process.env.RUNS ?? 300);
/** Where between its beginning and its end a history is looked at. */
const share = fc.double({ min: 0, max: 1, noNaN: true });
const PEOPLE = ['u0', 'u1'];

/**
 * Lets a history happen to a tenant of its own; when it ends.
 * @param onTime every wait ends when it is due, not when the history says so
 */
async function live(
  { pool }: TestDatabase,
  tenantId: string,
  versions: readonly CatalogData[],
  steps: readonly Step[],
  onTime = false,
): Promise<Millis> {
  let now = BASE;
  let made = 0;
  let applied = 0;
  let active = versions[0] as CatalogData;
  const catalogs = new Catalogs(pool);
  const noop = noopProvider(CHANNELS);
  const pipeline = new Pipeline({
    pool,
    catalogs,
    partitions: new Partitions(pool),
    seal: new Seal(Buffer.alloc(32)),
    providers: new Map(CHANNELS.map((channel) => [channel, noop])),
    clock: () => now,
  });
  await applyCatalog(pool, tenantId, active, 'test', now);
  let turnsUntil = now;
  const endUntil = async (to: Millis) => {
    for (;;) {
      const { rows } = await pool.query<{ due: Millis | null }>(
        `select min(due_at) as due from waits where tenant_id = $1 and status = 'waiting'`,
        [tenantId],
      );
      const due = rows[0]?.due ?? null;
      if (due === null || due > to) break;
      now = Math.max(now, due);
      await pipeline.endDueWaits(tenantId, PEOPLE);
    }
    now = Math.max(now, to);
  };
  for (const step of steps) {
    if (onTime) await endUntil(now + step.gap);
    else now += step.gap;
    if (step.kind === 'post') {
      await pipeline.ingest(
        tenantId,
        step.events.map((event) => posted(event, ++made, now)),
      );
    } else if (step.kind === 'apply') {
      active = versions[++applied % versions.length] as CatalogData;
      await applyCatalog(pool, tenantId, active, 'test', now);
    } else {
      await pipeline.endDueWaits(tenantId, PEOPLE);
      for (const rule of active.rules) {
        if (!rule.every) continue;
        for (const userId of PEOPLE) {
          const zone = zoneOf(rule.zone, await traitsOf(pool, tenantId, userId));
          const due = nextOccurrence(rule.every.cron, zone, turnsUntil);
          if (due === null || due > now) continue;
          const label = occurrenceLabel(due, zone);
          // Which of two in one millisecond was first is nowhere written down.
          now++;
          await pipeline.takeTurns({ tenantId, rule: rule.name, due, label }, [userId], async () => {});
        }
      }
      turnsUntil = now;
    }
  }
  await pipeline.drain();
  return now;
}

async function traitsOf(pool: TestDatabase['pool'], tenantId: string, userId: string): Promise<JsonObject> {
  const { rows } = await pool.query('select traits from users where tenant_id = $1 and user_id = $2', [
    tenantId,
    userId,
  ]);
  return rows[0]?.traits ?? {};
}

/** An event as a caller posts it. */
function posted(event: HistoryEvent, number: number, now: Millis): JsonObject {
  const { person, type, late, properties, traits, startsIn } = event;
  const time = now - late;
  return {
    event_id: `e${number}`,
    user_id: `u${person}`,
    event_type: type,
    event_timestamp: new Date(time).toISOString(),
    properties: { ...properties, ...(startsIn === null ? {} : { starts_at: new Date(time + startsIn).toISOString() }) },
    user_traits: traits,
  };
}

/** The pipeline without its database: what it would have stored of each person. */
function play(rules: readonly Rule[], steps: readonly Step[]): { lives: Life[]; end: Millis } {
  const catalog = compileCatalog(1, 0, catalogOf(rules));
  const catalogs = { active: catalog, at: () => catalog };
  const people = new Map<string, PersonFacts>();
  const events: PastEvent[] = [];
  const ends = new Map<string, readonly Decision[]>();
  const seal = new Seal(Buffer.alloc(32));
  let now = BASE;
  let made = 0;
  for (const step of steps) {
    now += step.gap;
    const facts = { catalogVersion: 1, people, addressHashes: new Map(), stored: new Map(), contentHashes: new Map() };
    const assembly = new Assembly('t', now, catalogs, facts as never, new Reach('t', new Map(), seal), ids);
    let emitted =
      step.kind === 'post'
        ? assembly.decide(
            step.events.map((event) => {
              const item = posted(event, ++made, now);
              if (!people.has(String(item.user_id))) people.set(String(item.user_id), stranger(String(item.user_id)));
              const read = readEvent('t', item, () => null);
              if (isRejection(read)) throw new Error(read.message);
              return read;
            }),
          )
        : assembly.end(
            [...people.values()].flatMap(({ waits }) =>
              [...waits.values()].filter(({ status, dueAt }) => status === 'waiting' && dueAt <= now),
            ),
          );
    while (emitted.length > 0) emitted = assembly.decide(emitted);
    const batch = assembly.finish();
    for (const { event, decisions } of batch.events) {
      const { tenantId, userId, eventId, key, type, time, properties, traits, contextText } = event;
      const emittedBy = contextText === null ? null : String(JSON.parse(contextText).emitted_by);
      const own = { tenantId, userId, eventId, key, type, time, properties, traits };
      const stored = JSON.parse(JSON.stringify(decisions)) as Decision[];
      events.push({
        ...own,
        receivedAt: now,
        catalogVersion: 1,
        emittedBy,
        hasActed: true,
        decisions: () => stored,
      });
    }
    for (const { wait, decisions } of batch.waits) {
      wait.stored = 'same';
      if (wait.status !== 'waiting') ends.set(wait.waitId, JSON.parse(JSON.stringify(decisions)));
    }
  }
  const lives = [...people.values()].map(
    ({ userId, profile, waits, uses }): Life => ({
      userId,
      profile,
      events: events
        .filter((event) => event.userId === userId)
        .sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1)),
      waits: [...waits.values()].map((wait) => ({ ...wait, decisions: ends.get(wait.waitId) ?? [] })),
      uses: [...uses].flatMap(([limitKey, list]) => list.map((use) => ({ limitKey, ...use }))),
    }),
  );
  return { lives, end: now };
}

function replayAll(rules: readonly Rule[], lives: readonly Life[], since: Millis, until: Millis): BacktestReport {
  const { rules: set } = compileCatalog(1, 0, catalogOf(rules));
  const backtest = new Backtest({ since, until, candidate: null, version: () => set });
  for (const life of lives) backtest.take(life);
  return backtest.report();
}
