import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { applyCatalogDirectory } from '../src/catalog/stored/apply-directory.ts';
import type { Config } from '../src/config.ts';
import { toOutdated } from '../src/errors.ts';
import { systemActor } from '../src/model/principal.ts';
import { CatalogDirectory } from '../src/process/catalog-directory.ts';
import { Cleanup } from '../src/process/cleanup.ts';
import {
  changeShare,
  endRelease,
  loadLatestRelease,
  type ReleaseEnd,
  startRelease,
} from '../src/store/releases/releases.ts';
import { beginScheduled } from '../src/store/releases/scheduled-releases.ts';
import { parseCatalog } from './support/catalog.ts';
import { cutAfter } from './support/cut-pool.ts';
import { catalogWith } from './support/releases.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Releases whose process is killed at any statement, and those of a catalog directory. */

let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings({}, new Map(Object.entries(catalogWith('paid'))));
});
beforeEach(async () => {
  const latest = await loadLatestRelease(tidings.database.pool, TENANT);
  if (latest?.state === 'watching') await end(tidings.database.pool, latest.id, 'rolled_back');
});
afterAll(() => tidings.close());

const BY = systemActor('test');
let made = 0;

async function start(
  pool: pg.Pool,
  operationId: string = randomUUID(),
  type = `NEW_${made++}`,
  startsAt: number | null = null,
) {
  const version = await parseCatalog(new Map(Object.entries(catalogWith('paid', type))));
  const times = { finishAt: null, startsAt };
  const release = { operationId, version, share: 5000, note: null, watch: null, ...times, expected: undefined };
  return startRelease(pool, TENANT, release, BY, tidings.clock.now, toOutdated);
}

function end(pool: pg.Pool, id: string, state: ReleaseEnd['state']) {
  return endRelease(pool, TENANT, id, { state, reason: null, comparison: null }, BY, tidings.clock.now);
}

/** Expects that the row of the release, what transactions read, and the audit log say the same. */
async function expectWhole(): Promise<void> {
  const { pool } = tidings.database;
  const latest = await loadLatestRelease(pool, TENANT);
  const { rows } = await pool.query('select version, release from active_catalogs where tenant_id = $1', [TENANT]);
  const isUnderWay = latest?.state === 'watching';
  expect(rows[0].release).toEqual(
    isUnderWay ? { id: latest.id, version: latest.toVersion, share: latest.share } : null,
  );
  if (latest) expect(rows[0].version).toBe(latest.state === 'finished' ? latest.toVersion : latest.fromVersion);
  const { rows: entries } = await pool.query('select count(*)::int as n from audit_log where subject = $1', [
    `release ${latest?.id}`,
  ]);
  const isOpen = isUnderWay || latest?.state === 'scheduled';
  // That it was scheduled is an entry as well.
  const scheduled = latest?.startsAt == null ? 0 : 1;
  if (latest) expect(entries[0].n).toBe(scheduled + latest.steps.length + (isOpen ? 0 : 1));
}

/** Runs something with a process that dies later and later, until it lives; then once more. */
async function killEverywhere(work: (pool: pg.Pool) => Promise<unknown>): Promise<number> {
  const { pool } = tidings.database;
  for (let statements = 0; ; statements++) {
    const isDone = await work(cutAfter(pool, statements)).then(
      () => true,
      () => false,
    );
    await expectWhole();
    if (!isDone) continue;
    await work(pool);
    await expectWhole();
    return statements;
  }
}

describe('a process that is killed at any statement', () => {
  test('of a start has started it or not, and a repetition starts no other one', async () => {
    const [operationId, type] = [randomUUID(), `NEW_${made++}`];
    expect(await killEverywhere((pool) => start(pool, operationId, type))).toBeGreaterThan(5);
  });

  test('of a start that was scheduled', async () => {
    const { id, startsAt } = await start(
      tidings.database.pool,
      randomUUID(),
      `NEW_${made++}`,
      tidings.clock.now + 1000,
    );
    tidings.clock.now = startsAt as number;
    const begin = (pool: pg.Pool) => beginScheduled(pool, TENANT, id, BY, startsAt as number);
    expect(await killEverywhere(begin)).toBeGreaterThan(5);
    expect(await loadLatestRelease(tidings.database.pool, TENANT)).toMatchObject({ id, state: 'watching' });
  });

  test('of another share', async () => {
    const { id } = await start(tidings.database.pool);
    const raise = (pool: pg.Pool) => changeShare(pool, TENANT, id, 9000, BY, tidings.clock.now);
    expect(await killEverywhere(raise)).toBeGreaterThan(5);
  });

  test.each(['finished', 'rolled_back'] as const)('of an end: %s', async (state) => {
    const { id } = await start(tidings.database.pool);
    expect(await killEverywhere((pool) => end(pool, id, state))).toBeGreaterThan(5);
  });
});

test('of two processes that start releases at once, one does', async () => {
  const { pool } = tidings.database;
  const results = await Promise.allSettled([1, 2, 3, 4].map(() => start(pool)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await expectWhole();
});

test('of a finish and a rollback at once, one wins', async () => {
  const { pool } = tidings.database;
  const { id } = await start(pool);
  const results = await Promise.allSettled([end(pool, id, 'finished'), end(pool, id, 'rolled_back')]);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await expectWhole();
});

describe('a catalog directory', () => {
  let dir: string;
  const apply = () =>
    applyCatalogDirectory(
      { pool: tidings.database.pool, catalogs: tidings.catalogs, tenantId: TENANT },
      dir,
      tidings.clock.now,
    );
  const write = (type: string) => {
    for (const [path, text] of Object.entries(catalogWith('paid', type))) writeFileSync(join(dir, path), text);
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tidings-released-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  });

  test('that changes is not applied while a release is under way, and afterwards it is', async () => {
    const { pool } = tidings.database;
    const { id, fromVersion } = await start(pool);
    write(`DIRECTORY_${made++}`);
    await expect(apply()).rejects.toMatchObject({ code: 'release_under_way' });
    await end(pool, id, 'rolled_back');
    const applied = await apply();
    expect(applied).toMatchObject({ changed: true, isOther: false });
    expect(applied.version).toBeGreaterThan(fromVersion);
  });

  test('that is not watched, and waits for a release at its start, says so and is applied once that has ended', async () => {
    const { pool } = tidings.database;
    const { id, fromVersion } = await start(pool);
    write(`DIRECTORY_${made++}`);
    const config = { tenant: TENANT, catalogDir: dir, watchCatalog: false } as Config;
    const { catalogs } = tidings;
    const directory = new CatalogDirectory({
      pool,
      catalogs,
      config,
      clock: () => tidings.clock.now,
      log: silent,
      retry: 20,
    });
    const cleanup = new Cleanup(silent);
    onTestFinished(() => cleanup.run());
    await directory.follow(cleanup);
    expect(directory.problem?.cause).toContain('waits for a release');
    await end(pool, id, 'rolled_back');
    await expect.poll(() => directory.problem).toBeUndefined();
    expect((await catalogs.getActive(TENANT)).version).toBeGreaterThan(fromVersion);
  });

  test('that is being released is left alone, and is not applied after its rollback', async () => {
    const { pool } = tidings.database;
    const type = `RELEASED_${made++}`;
    const { id, fromVersion } = await start(pool, randomUUID(), type);
    write(type);
    expect(await apply()).toMatchObject({ version: fromVersion, changed: false, release: 'under_way' });
    await end(pool, id, 'rolled_back');
    expect(await apply()).toMatchObject({ version: fromVersion, changed: false, release: 'rolled_back' });
    // Nor at the next start.
    expect(await apply()).toMatchObject({ version: fromVersion, changed: false, isOther: true });
    write(`CHANGED_${made++}`);
    expect(await apply()).toMatchObject({ changed: true });
  });

  test('that was rolled back is not applied either while another release is scheduled', async () => {
    const { pool } = tidings.database;
    const type = `RELEASED_${made++}`;
    const { id, fromVersion } = await start(pool, randomUUID(), type);
    await end(pool, id, 'rolled_back');
    await start(pool, randomUUID(), `NEW_${made++}`, tidings.clock.now + 1000);
    write(type);
    expect(await apply()).toMatchObject({ version: fromVersion, changed: false, release: 'rolled_back' });
  });
});
