import { loadCatalogFiles } from '../../src/catalog/load/load-catalog-files.ts';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import type { Terms } from '../../src/model/terms.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { cpuOf } from '../cpu.ts';
import { makeEvents, type PostedEvent } from '../events.ts';
import type { Row } from '../row.ts';
import { type Database, FINTECH, type Setup, withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

const PREFERENCES = 'preferences.yaml';

/** Policy of a company, beside the consent that the example asks for. The quiet hours are over soon: they must hold nothing here. */
const POLICY = `
consent:
  MARKETING: { any: [record, { trait: marketing_opt_in }] }
defaults: { categories: { MARKETING: { push: false } } }
quiet_hours: { hours: 03:00-03:01 }
required: [HIGH_RISK_ALERT]
`;

/** A user who has said something about everything, a year ago. */
const SAID = Date.now() - 365 * 86_400_000;
const FULL_TERMS: Terms = {
  p: {
    '*': { on: [1, SAID] },
    'ch:email': { on: [1, SAID] },
    'ch:sms': { on: [1, SAID] },
    'c:MARKETING': { on: [1, SAID] },
    'c:TRANSACTIONAL': { on: [1, SAID] },
    'c:SYSTEM/email': { on: [1, SAID] },
    't:WELCOME_EMAIL': { on: [1, SAID], freq: ['IMMEDIATE', SAID] },
    't:INSUFFICIENT_FUNDS_EMAIL/email': { on: [1, SAID] },
  },
  q: [[3 * 60, 3 * 60 + 1, 'Europe/Lisbon'], SAID],
  d: [[18 * 60, null], SAID],
  k: {
    'MARKETING/email': { state: 'granted', at: SAID },
    'MARKETING/sms': { state: 'granted', at: SAID },
  },
};

/** A policy that no user has said anything about, against a catalog without one. */
export const noTermsRow: Row = {
  id: 'no-terms',
  name: 'CPU per event of users without settings, with a policy',
  unit: 'µs',
  against: 'the same without a policy',
  direction: 'lower',
  atLeast: 1.05,
  goal: 1.02,
  measure: (setup) => measureBoth(setup, null),
};

/** Users with full preferences, against none. */
export const termsRow: Row = {
  id: 'terms',
  name: 'CPU per event of users with full preferences',
  unit: 'µs',
  against: 'the same without preferences and policy',
  direction: 'lower',
  atLeast: 1.1,
  goal: 1.05,
  measure: (setup) => measureBoth(setup, FULL_TERMS),
};

/** @param terms of every user whose events are measured for the value; null: none */
async function measureBoth(setup: Setup, terms: Terms | null) {
  const events = makeEvents(setup.traffic());
  const limit = await measureWith(setup, events, null, null);
  return { value: await measureWith(setup, events, POLICY, terms), limit };
}

/** Returns the CPU time per event, of Node and PostgreSQL, in µs. @param policy null: a catalog without preferences.yaml */
function measureWith(setup: Setup, events: readonly PostedEvent[], policy: string | null, terms: Terms | null) {
  return setup.withDatabase(async (database) => {
    const files = new Map(await loadCatalogFiles(FINTECH));
    if (policy === null) files.delete(PREFERENCES);
    else files.set(PREFERENCES, policy);
    const data = await validateCatalogFiles(files);
    await applyCatalog(database.pool, DEFAULT_TENANT, data, systemActor('bench'), Date.now());
    await addUsers(database, events, terms);
    return withTidings(database, async (tidings) => {
      const before = await cpuOf(database.pool);
      await ingestAll(tidings, database, events);
      const after = await cpuOf(database.pool);
      return (after.node - before.node + after.postgres - before.postgres) / events.length;
    });
  });
}

/** Stores the users of events, as they are without an event, with these terms. */
async function addUsers({ pool }: Database, events: readonly PostedEvent[], terms: Terms | null): Promise<void> {
  const users = [...new Set(events.map(({ user_id }) => user_id))];
  await pool.query(
    `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at, terms)
     select $1, u, '{}', '{}', '{}', now(), now(), $3::json from unnest($2::text[]) as u on conflict do nothing`,
    [DEFAULT_TENANT, users, terms && JSON.stringify(terms)],
  );
  await pool.query('analyze users');
}
