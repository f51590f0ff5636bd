import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { BASE, catalogOf } from './support/random-catalog.ts';
import { backtestTenant, readAllHistories, runHistory } from './support/replay-in-database.ts';
const database = useDatabase();
test('cex', async () => {
  const text = readFileSync(process.env.CEX!, 'utf8').replaceAll('[31m', '');
  const line = text.split('\n').find((l) => l.includes('Counterexample: '))!;
  const value = new Function(`return ${line.slice(line.indexOf('Counterexample: ') + 16)}`)();
  const [one, other, steps, from, turn] = value[0][0]?.name ? [value[0], value[1], value[2], value[3], true] : [value[0][0], value[0][1], value[1], value[2], value[3]];
  const catalogs = [catalogOf(one), catalogOf(other, 2)];
  const end = await runHistory(database(), 't', turn ? catalogs : catalogs.reverse(), steps);
  const since = BASE + Math.floor((end - BASE) * from);
  if (process.env.SHOW) for (const h of await readAllHistories(database().pool, { tenantId: 't', since: BASE, until: end + 1, includeIdle: true })) {
    console.log(JSON.stringify(h.waits, null, 1), h.events.map((e) => [e.eventId, e.key, e.receivedAt - BASE, e.time - BASE, e.catalogVersion, JSON.stringify(e.decisions())]));
  }
  const report = await backtestTenant(database().pool, 't', since, end + 1);
  expect(report.reproduced).toEqual({ decisions: report.reproduced?.decisions, different: 0, examples: [] });
});
