import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestDatabase } from './support/database.ts';
import { emptyDatabase, loadTables, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A dump or a restore may be killed at any time, and may run while events are posted. */

let tidings: TestTidings;
let target: TestDatabase;
let folder: { path: string; remove: () => Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
  target = await emptyDatabase();
  tidings = await testTidings();
  await recordKey(tidings);
});
afterEach(async () => {
  await tidings.close();
  await target.drop();
  await folder.remove();
});

const env = (database: { readonly url: string } = tidings.database) => toEnv(database, tidings.key, folder.path);

/** Stores events of different users, large enough for a dump to take a while. */
async function fill(batches: number, from = 0): Promise<void> {
  for (let batch = from; batch < from + batches; batch++) {
    const items = Array.from({ length: 200 }, (_, i) => ({
      user_id: `user ${batch}-${i}`,
      event_id: `event ${batch}-${i}`,
      event_type: 'signup_completed',
      event_timestamp: '2025-11-20T10:00:00Z',
      properties: { text: `${batch}-${i} `.repeat(400) },
      user_traits: { marketing_opt_in: true, email: `user-${batch}-${i}@example.com` },
    }));
    const results = await tidings.ingest(items);
    expect(results.every(({ status }) => status === 'accepted')).toBe(true);
  }
}

test('a dump under load has what was accepted before it, whole transactions only', async () => {
  await fill(5);
  let isOver = false;
  const load = (async () => {
    for (let batch = 5; !isOver; batch++) await fill(1, batch);
  })();
  const file = join(folder.path, 'a.gz');
  const { stderr } = await runTidings(['dump', file], env());
  isOver = true;
  await load;
  expect(stderr).toBe('');
  expect((await runTidings(['restore', file], env(target))).stderr).toBe('');
  const [before, after] = [await loadTables(tidings.pool), await loadTables(target.pool)];
  const { rows } = await target.pool.query(
    `select (select count(*)::int from events) as events, (select count(*)::int from event_ids) as ids,
            (select count(*)::int from users) as users, (select count(*)::int from notifications) as notifications,
            (select count(*)::int from limit_uses) as uses,
            (select count(*)::int from notifications join deliveries using (tenant_id, notification_id)) as deliveries`,
  );
  const [{ events, ...others }] = rows;
  expect(events).toBeGreaterThanOrEqual(1000);
  expect(events % 200).toBe(0);
  expect(others).toEqual({ ids: events, users: events, notifications: events, uses: events, deliveries: events });
  for (const [table, found] of Object.entries(after)) {
    const all = new Set(before[table]);
    expect(
      found.filter((row) => !all.has(row)),
      table,
    ).toEqual([]);
  }
}, 60_000);

test('a dump that is killed leaves no file that looks complete, and none of its sessions', async () => {
  await fill(20);
  const file = join(folder.path, 'killed.gz');
  const ended = runTidings(['dump', file], env(), {
    async onStarted(kill) {
      for (
        let tries = 0;
        tries < 2000 && !(await readdir(folder.path)).some((name) => name.endsWith('.part'));
        tries++
      ) {
        await pause(5);
      }
      kill();
    },
  });
  expect((await ended).code).toBe('SIGKILL');
  expect((await readdir(folder.path)).filter((name) => !name.startsWith('.'))).toEqual([]);
  const countSessions = async () => {
    const sql = `select count(*)::int as count from pg_stat_activity where application_name = 'tidings dump' and datname = current_database()`;
    return (await tidings.pool.query(sql)).rows[0].count;
  };
  for (let tries = 0; tries < 200 && (await countSessions()) > 0; tries++) await pause(50);
  expect(await countSessions()).toBe(0);
  const [part] = await readdir(folder.path);
  const restored = await runTidings(['restore', join(folder.path, part as string)], env(target));
  expect(restored.stderr).toMatch(/^tidings: (the dump is incomplete|this is not a dump)/);
}, 60_000);

test('a dump that is stopped leaves nothing', async () => {
  await fill(20);
  const file = join(folder.path, 'stopped.gz');
  const { code } = await runTidings(['dump', file], env(), {
    async onStarted(_kill, pid) {
      for (let tries = 0; tries < 2000 && (await readdir(folder.path)).length === 0; tries++) await pause(5);
      process.kill(pid, 'SIGINT');
    },
  });
  // Unless it was complete before the signal.
  expect(await readdir(folder.path)).toEqual(code === 0 ? ['stopped.gz'] : []);
  expect([0, 130]).toContain(code);
}, 60_000);

test('a restore that is killed at any time leaves an empty database, and can be repeated', async () => {
  await fill(20);
  const file = join(folder.path, 'a.gz');
  await runTidings(['dump', file], env());
  const countTables = async () => {
    const sql = `select count(*)::int as count from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`;
    return (await target.pool.query(sql)).rows[0].count;
  };
  for (const delay of [0, 60, 200]) {
    const { code } = await runTidings(['restore', file], env(target), {
      async onStarted(kill) {
        for (let tries = 0; tries < 2000 && !(await isRestoring()); tries++) await pause(5);
        await pause(delay);
        kill();
      },
    });
    expect(code).toBe('SIGKILL');
    for (let tries = 0; tries < 200 && (await isRestoring()); tries++) await pause(50);
    expect(await countTables()).toBe(0);
  }
  expect((await runTidings(['restore', file], env(target))).code).toBe(0);
  expect(await loadTables(target.pool)).toEqual(await loadTables(tidings.pool));

  async function isRestoring(): Promise<boolean> {
    const { rows } = await target.pool.query(
      `select from pg_stat_activity where application_name = 'tidings restore' and datname = current_database()`,
    );
    return rows.length > 0;
  }
}, 120_000);
