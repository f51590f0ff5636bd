import { compileRuleSet } from '../../src/catalog/compile/compile-rule-set.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { Backtest } from '../../src/simulate/backtest/backtest.ts';
import { readHistories, type StoredHistory } from '../../src/store/replay.ts';
import { makeEvents } from '../events.ts';
import { type Row, rate } from '../row.ts';
import { withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

/** The stored events under another catalog, in memory; what reading them costs is not counted. */
export const backtestRow: Row = {
  id: 'backtest',
  name: 'backtest, events replayed in memory',
  unit: 'events/s',
  against: 'the same events decided live, batch function',
  direction: 'higher',
  atLeast: 5,
  goal: 10,
  async measure(setup) {
    const events = makeEvents(setup.traffic());
    return setup.withDatabase(async (database) => {
      const limit = await withTidings(database, (tidings) =>
        rate(events.length, () => ingestAll(tidings, database, events)),
      );
      const histories: StoredHistory[] = [];
      const until = Date.now() + 1000;
      const query = { tenantId: DEFAULT_TENANT, since: 0, until, includeIdle: false };
      for await (const page of readHistories(database.pool, query)) histories.push(...page.histories);
      const past = compileRuleSet(1, setup.catalog);
      const plan = { since: 0, until, candidate: compileRuleSet(2, setup.catalog), version: () => past };
      const replay = async () => {
        const backtest = new Backtest(plan);
        for (const history of histories) backtest.addUser(history);
        const { live, unchanged } = backtest.report().totals;
        if (live === 0 || unchanged !== live) throw new Error(`of ${live} sends, ${unchanged} came out the same`);
      };
      // Unpacks the stored decisions once, so that the code is as warm as in production.
      await replay();
      return { limit, value: await rate(events.length, replay) };
    });
  },
};
