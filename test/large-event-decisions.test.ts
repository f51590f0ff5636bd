import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { runs } from './support/properties.ts';
import { BASE, catalogOf } from './support/random-catalog.ts';
import { anyRules, someHistory } from './support/random-history.ts';
import { backtestTenant, readAllHistories, runHistory } from './support/replay-in-database.ts';

/*
 * Large events are decided as small ones: what rules look at is the same, whether it is read from the content of an event or
 * from its excerpt.
 */

const database = useDatabase();
let tenants = 0;

type Steps = Parameters<typeof runHistory>[3];

/** Adds fields to the events that no rule names. */
function enlarge(steps: Steps, more: { readonly [name: string]: string }): Steps {
  return steps.map((step) => {
    if (step.kind !== 'post') return step;
    return {
      ...step,
      events: step.events.map((event) => ({ ...event, properties: { ...more, ...event.properties } })),
    };
  });
}

/** Runs a history, and returns its decisions by what they are about, without the ids of notifications. */
async function decide(versions: Parameters<typeof runHistory>[2], steps: Steps) {
  const { pool } = database();
  const tenantId = `tenant ${++tenants}`;
  const end = await runHistory(database(), tenantId, versions, steps);
  const decided: { [source: string]: unknown } = {};
  for (const { events, waits } of await readAllHistories(pool, {
    tenantId,
    since: BASE,
    until: end + 1,
    includeIdle: true,
  })) {
    for (const { key, decisions } of events) decided[key] = decisions();
    for (const { waitId, decisions } of waits) decided[waitId] = decisions;
  }
  const text = JSON.stringify(decided, (name, value) => (name === 'notification_id' ? value !== null : value));
  return { decided: JSON.parse(text) as unknown, tenantId, end };
}

test('the same is decided of large events, with addresses or without, as of small ones', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      anyRules(true),
      anyRules(true),
      someHistory(12),
      fc.boolean(),
      async (one, other, steps, sealed) => {
        const versions = [catalogOf(one), catalogOf(other, 2)];
        const small = await decide(versions, steps);
        const more = { blob: 'large '.repeat(4000), ...(sealed && { contact: 'maria@example.com' }) };
        const large = await decide(versions, enlarge(steps, more));
        expect(large.decided).toEqual(small.decided);
        const report = await backtestTenant(database().pool, large.tenantId, BASE, large.end + 1);
        expect(report.reproduced).toMatchObject({ different: 0 });
      },
    ),
    runs(12),
  );
  const { rows } = await database().pool.query('select count(excerpt) as large from events');
  expect(rows[0].large).toBeGreaterThan(50);
});
