import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemActor } from '../src/model/principal.ts';
import { applyCatalog, applyDirectory, rollBackCatalog } from '../src/store/apply-catalog.ts';
import { loadExample, parseCatalog } from './support/catalog.ts';
import { otherProcess } from './support/processes.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Versions of a catalog: numbered, immutable, and one of them active in every process. */

let tidings: TestTidings;
let events = 0;

beforeAll(async () => {
  tidings = await testTidings({}, rulesWith('a: number'));
});

afterAll(() => tidings.close());

/** A catalog with one rule. Catalogs differ in the properties of their event type. */
function rulesWith(properties: string, rule = 'ALERT'): Map<string, string> {
  return new Map([
    ['events.yaml', `events: { seen: { properties: { ${properties} } } }`],
    ['notifications.yaml', `notifications: { ${rule}: { category: SECURITY, channels: [internal] } }`],
    ['rules.yaml', `rules: { ${rule}: { on: seen } }`],
  ]);
}

function seen(properties: object = {}, user = 'u1') {
  const event_id = `event ${events++}`;
  return { event_id, user_id: user, event_type: 'seen', event_timestamp: '2025-11-20T10:00:00Z', properties };
}

async function versionsOf(...eventIds: string[]): Promise<number[]> {
  const { rows } = await tidings.database.pool.query<{ catalog_version: number }>(
    'select catalog_version from events where event_id = any($1::text[]) order by event_id',
    [eventIds],
  );
  return rows.map((row) => row.catalog_version);
}

describe('versions', () => {
  test('applying the active content makes no version, any other content makes the next one', async () => {
    const first = await tidings.apply(rulesWith('a: number'));
    expect(await tidings.apply(rulesWith('a: number'))).toBe(first);
    expect(await tidings.apply(rulesWith('a: string'))).toBe(first + 1);
    expect(await tidings.apply(rulesWith('a: number'))).toBe(first + 2);
    const { rows } = await tidings.database.pool.query<{ version: number; content_hash: string }>(
      'select version, content_hash from catalogs where version >= $1 order by version',
      [first],
    );
    expect(rows.map((row) => row.version)).toEqual([first, first + 1, first + 2]);
    expect(rows[0]?.content_hash).toBe(rows[2]?.content_hash);
    const changes = await tidings.database.pool.query(
      `select actor, subject from audit_log where action = 'catalog.applied' order by entry_id desc limit 1`,
    );
    expect(changes.rows).toEqual([{ actor: 'test', subject: `version ${first + 2}` }]);
  });

  test('processes that start together with the same files make one version', async () => {
    const data = await parseCatalog(await loadExample('fintech'));
    const { pool } = tidings.database;
    const applied = await Promise.all(
      [1, 2, 3, 4].map((n) => applyCatalog(pool, 'together', data, systemActor(`process ${n}`), 0)),
    );
    expect(applied.map(({ version }) => version)).toEqual([1, 1, 1, 1]);
    expect(applied.filter(({ changed }) => changed).length).toBe(1);
  });

  test('each tenant has its own version numbers', async () => {
    const data = await parseCatalog(rulesWith('a: number'));
    expect(await applyCatalog(tidings.database.pool, 'another', data, systemActor('test'), 0)).toEqual({
      version: 1,
      changed: true,
    });
  });

  test('without a catalog, events are stored and nothing is decided', async () => {
    await tidings.database.pool.query(`insert into tenants (tenant_id, name) values ('bare', 'Bare')`);
    const { catalogs, pipeline } = otherProcess(tidings);
    expect((await catalogs.getActive('bare')).version).toBe(0);
    const [result] = await pipeline.ingest('bare', [seen()]);
    expect(result).toMatchObject({ status: 'accepted', decisions: [] });
  });
});

describe('the directory', () => {
  test('is applied if it changed since the last start; otherwise the active version stays', async () => {
    const { pool } = tidings.database;
    const start = async (properties: string) => {
      return applyDirectory(pool, 'started', await parseCatalog(rulesWith(properties)), 0);
    };
    expect(await start('a: number')).toEqual({ version: 1, changed: true, isOther: false });
    expect(await start('a: number')).toEqual({ version: 1, changed: false, isOther: false });
    expect(await start('a: string')).toEqual({ version: 2, changed: true, isOther: false });
    await rollBackCatalog(pool, 'started', 1, systemActor('an operator'), 0);
    expect(await start('a: string')).toEqual({ version: 1, changed: false, isOther: true });
    // Both the directory and the database are back at the first content.
    expect(await start('a: number')).toEqual({ version: 1, changed: false, isOther: false });
    expect(await start('a: string')).toEqual({ version: 3, changed: true, isOther: false });
  });

  test('makes one version if several processes start together', async () => {
    const { pool } = tidings.database;
    const data = await parseCatalog(rulesWith('a: number'));
    const applied = await Promise.all([1, 2, 3].map(() => applyDirectory(pool, 'started together', data, 0)));
    expect(applied.map(({ version, changed }) => [version, changed]).sort()).toEqual([
      [1, false],
      [1, false],
      [1, true],
    ]);
  });
});

describe('two processes', () => {
  test('each decision names the version it was made with', async () => {
    const version = await tidings.apply(rulesWith('a: number, b: number'));
    const event = seen();
    await tidings.pipeline.ingest(TENANT, [event]);
    expect(await versionsOf(event.event_id)).toEqual([version]);
  });

  test('the second process uses a new version from its next batch on', async () => {
    const { catalogs, pipeline } = otherProcess(tidings);
    const before = seen();
    await pipeline.ingest(TENANT, [before]);
    const old = (await catalogs.getActive(TENANT)).version;

    const version = await tidings.apply(rulesWith('a: number', 'OTHER'));
    const after = seen();
    const [result] = await pipeline.ingest(TENANT, [after]);
    expect(result?.decisions.map((decision) => decision.rule)).toEqual(['OTHER']);
    expect(await versionsOf(before.event_id, after.event_id)).toEqual([old, version]);
    expect((await catalogs.getActive(TENANT)).version).toBe(version);
  });

  test('the second process accepts an event that only the new schema accepts', async () => {
    const { pipeline } = otherProcess(tidings);
    await tidings.apply(rulesWith('a: number'));
    await pipeline.ingest(TENANT, [seen({ a: 1 })]);
    await tidings.apply(rulesWith('a: string'));
    const [accepted] = await pipeline.ingest(TENANT, [seen({ a: 'one' })]);
    expect(accepted?.status).toBe('accepted');
    const [rejected] = await pipeline.ingest(TENANT, [seen({ a: 1 })]);
    expect(rejected).toMatchObject({ status: 'rejected', path: 'properties.a' });
  });

  test('decides no batch with two versions, however often they change', async () => {
    const processes = [otherProcess(tidings), otherProcess(tidings)];
    const batches: { eventIds: string[]; rules: string[] }[] = [];
    for (let round = 0; round < 6; round++) {
      const posted = processes.map(async ({ pipeline }) => {
        const batch = Array.from({ length: 20 }, () => seen({}, `same ${round % 2}`));
        const results = await pipeline.ingest(TENANT, batch);
        batches.push({
          eventIds: batch.map((event) => event.event_id),
          rules: results.flatMap((result) => result.decisions.map((decision) => decision.rule)),
        });
      });
      await Promise.all([...posted, tidings.apply(rulesWith('a: number', `RULE_${round}`))]);
    }
    expect(batches.length).toBe(12);
    for (const { eventIds, rules } of batches) {
      const versions = new Set(await versionsOf(...eventIds));
      expect(versions.size).toBe(1);
      const { data } = await tidings.catalogs.getVersion(TENANT, [...versions][0] as number);
      expect(rules).toEqual(Array(20).fill(data.rules[0]?.name));
    }
  });
});
