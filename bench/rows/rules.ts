import type { CatalogData } from '../../src/model/catalog.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { makeEvents } from '../events.ts';
import { type Row, rate } from '../row.ts';
import { type Setup, withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

/** Rules that listen to other events cost nothing. */
export const rulesRow: Row = {
  id: 'rules',
  name: 'rules, 400 of which 4 listen',
  unit: 'events/s',
  against: 'the 4 alone',
  direction: 'higher',
  atLeast: 0.9,
  goal: 1,
  async measure(setup) {
    const limit = await decided(setup, 4);
    const forty = await decided(setup, 40);
    const value = await decided(setup, 400);
    return { limit, value, also: { '40 rules': forty } };
  },
};

function decided(setup: Setup, rules: number): Promise<number> {
  const events = makeEvents(setup.traffic());
  return setup.withDatabase(async (database) => {
    await applyCatalog(
      database.pool,
      DEFAULT_TENANT,
      withRules(setup.catalog, rules),
      systemActor('bench'),
      Date.now(),
    );
    return withTidings(database, (tidings) => rate(events.length, () => ingestAll(tidings, database, events)));
  });
}

/** The rules there are, and copies of them that listen to events which never come. */
function withRules(catalog: CatalogData, count: number): CatalogData {
  const rules = Array.from({ length: count }, (_, place) => {
    const rule = catalog.rules[place % catalog.rules.length];
    if (!rule) throw new Error('the catalog has no rules');
    if (place < catalog.rules.length) return rule;
    return {
      ...rule,
      name: `${rule.name} ${place}`,
      on: rule.on.map((type) => `${type} ${place}`),
      after: rule.after.map((step) => ({ ...step, event: `${step.event} ${place}` })),
    };
  });
  return { ...catalog, rules };
}
