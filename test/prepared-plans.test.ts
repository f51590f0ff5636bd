import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { loadTraitChanges } from '../src/store/facts/trait-changes.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { useDatabase } from './support/database.ts';
import { storeManyEvents } from './support/stored-events.ts';
import { TENANT } from './support/tidings.ts';
import { DAY, NOW, WaitStore } from './support/waits.ts';

const database = useDatabase();
const store = new WaitStore(() => database().pool);

beforeEach(async () => {
  await store.pool.query('truncate waits');
});

/** Collects statistics in the middle of a large transaction: they say many pages and no rows, so any index seems right. */
async function fillUnseenByStatistics(): Promise<void> {
  const connection = await store.pool.connect();
  await connection.query('begin');
  await store.fill(5000, 5000, 0, connection);
  await store.pool.query('analyze waits');
  await connection.query('commit');
  connection.release();
}

test.each([
  ['was never analyzed', () => store.fill(5000, 5000)],
  ['was last analyzed before its rows were committed', fillUnseenByStatistics],
])('the plans for a waits table that %s use the intended index', async (_when, grow) => {
  const single = openPool(database().url, { max: 1, name: 'plans' });
  try {
    const now = new Date(NOW).toISOString();
    await store.prepareAll(single);
    await grow();
    const plan = async (statement: string) =>
      (await single.query(`explain execute ${statement}`)).rows.map((row) => row['QUERY PLAN']).join('\n');
    const indexes = async (statement: string) => {
      const text = await plan(statement);
      expect(text).not.toMatch(/Seq Scan on|Bitmap/);
      // Users and waits are looked up by the index, not filtered.
      expect(text).not.toMatch(/Filter: .*\b(user_id|wait_id) =/);
      return [...text.matchAll(/Index (?:Only )?Scan using (\w+)/g)].map(([, name]) => name);
    };
    expect(await indexes(`"claim-due-waits"('${now}', '${now}', 10, '-infinity')`)).toEqual(['waits_due']);
    expect(await plan(`"claim-due-waits"('${now}', '${now}', 10, '-infinity')`)).toContain('Tid Scan on waits');
    const ofLanes = `"claim-due-waits-of-lanes"('${now}', '${now}', '{${TENANT}}', '{10}', '{-infinity}')`;
    expect(await indexes(ofLanes)).toEqual(['waits_lanes']);
    expect(await plan(`"find-lanes-of-waits"('', '${now}')`)).toMatch(/Index (Only )?Scan using waits_lanes on waits/);
    expect(await indexes(`"next-wait-due"('-infinity')`)).toEqual(['waits_due']);
    const loads = await indexes(`"load-waits"('${TENANT}', 'u', 'u', 'A', '=')`);
    expect(loads).toEqual(['waits_open', 'waits_latest']);
    expect(await indexes(`"load-waits-by-id"('${TENANT}', 'u', '${randomUUID()}')`)).toEqual(['waits_pkey']);
    expect(await indexes(`"load-waits-in"('${TENANT}', 'A', 'u')`)).toEqual(['waits_open']);
    expect(await indexes(`"users-waiting-for"('${TENANT}', '', 'A', 10)`)).toEqual(['waits_open']);
  } finally {
    await single.end();
  }
});

test('trait changes are looked up in an index, by a plan made while the table was empty', async () => {
  const single = openPool(database().url, { max: 1, name: 'plans' });
  try {
    await loadTraitChanges(single, TENANT, [{ userId: 'u', from: NOW, to: NOW + 100 }]);
    await storeManyEvents(database().pool, NOW, 5000, 50);
    const [from, to] = [NOW, NOW + DAY].map((at) => `'${new Date(at).toISOString()}'`);
    const { rows } = await single.query(
      `explain execute "load-trait-changes"('${TENANT}', 'p 1', ${from}, ${to}, ${from}, ${to})`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('Index Scan using events_default_pkey');
    expect(plan).not.toMatch(/Seq Scan on|Bitmap/);
  } finally {
    await single.end();
  }
});
