import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rule } from '../src/model/catalog.ts';
import { HISTORIES_IN_DATABASE, HISTORIES_IN_MEMORY } from './support/backtest-regressions.ts';
import { useDatabase } from './support/database.ts';
import { runs } from './support/properties.ts';
import { BASE, catalogOf } from './support/random-catalog.ts';
import { anyRules, type Step, someHistory } from './support/random-history.ts';
import { someMoves, twoVersions } from './support/random-versions.ts';
import { findFiredTwice, recordHistory, replayHistories } from './support/replay.ts';
import { backtestTenant, readAllHistories, runHistory } from './support/replay-in-database.ts';

/** The start of the backtest in a history: from its beginning (0) to its end (1). */
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('a backtest of the past against itself decides exactly the same', () => {
  test('in memory: for any rules, any history and any start', () => {
    fc.assert(
      fc.property(anyRules(false), someHistory(25), share, (rules, steps, from) => {
        const { histories, end } = recordHistory(
          rules,
          steps.filter(({ kind }) => kind !== 'apply'),
        );
        for (const history of histories) expect(findFiredTwice(history)).toEqual([]);
        const since = BASE + Math.floor((end - BASE) * from);
        const report = replayHistories(rules, histories, since, end + 1);
        expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
        const { added, removed, moved, replanned, live, unchanged } = report.totals;
        expect({ added, removed, moved, replanned, unchanged }).toEqual({
          added: 0,
          removed: 0,
          moved: 0,
          replanned: 0,
          unchanged: live,
        });
      }),
      { ...runs(100), examples: HISTORIES_IN_MEMORY },
    );
  });

  describe('through the pipeline and a database', () => {
    const database = useDatabase();
    let tenants = 0;

    const decidesTheSame = async (one: Rule[], other: Rule[], steps: Step[], from: number) => {
      const tenantId = `tenant ${++tenants}`;
      const end = await runHistory(database(), tenantId, [catalogOf(one), catalogOf(other, 2)], steps);
      const since = BASE + Math.floor((end - BASE) * from);
      const all = { tenantId, since: BASE, until: end + 1, includeIdle: true };
      for (const history of await readAllHistories(database().pool, all)) {
        expect(findFiredTwice(history)).toEqual([]);
      }
      const report = await backtestTenant(database().pool, tenantId, since, end + 1);
      expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
    };

    test('for any rules, any history, two catalogs in turns and any start', async () => {
      await fc.assert(fc.asyncProperty(anyRules(true), anyRules(true), someHistory(15), share, decidesTheSame), {
        ...runs(15),
        examples: HISTORIES_IN_DATABASE,
      });
    });

    test('for two versions of any rules, between which waits are moved', async () => {
      await fc.assert(
        fc.asyncProperty(twoVersions, someMoves(12), share, ([one, other], steps, from) =>
          decidesTheSame(one, other, steps, from),
        ),
        runs(12),
      );
    });

    test('with the active catalog as the candidate, it changes nothing', async () => {
      await fc.assert(
        fc.asyncProperty(anyRules(false), someHistory(12), share, async (rules, steps, from) => {
          const tenantId = `tenant ${++tenants}`;
          const catalog = catalogOf(rules);
          const end = await runHistory(database(), tenantId, [catalog], steps, true);
          const since = BASE + Math.floor((end - BASE) * from);
          const { totals } = await backtestTenant(database().pool, tenantId, since, end + 1, catalog);
          expect(totals).toEqual({
            ...totals,
            added: 0,
            removed: 0,
            moved: 0,
            replanned: 0,
            unchanged: totals.live,
            new: totals.live,
          });
        }),
        runs(15),
      );
    });
  });
});
