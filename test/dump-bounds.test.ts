import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestDatabase } from './support/database.ts';
import { emptyDatabase, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Dumps and restores hold a part of the data in memory at a time, and the server waits for whatever is slower. */

let tidings: TestTidings;
let target: TestDatabase;
let folder: { path: string; remove: () => Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
  target = await emptyDatabase();
  tidings = await testTidings();
  await recordKey(tidings);
  // 128 MB as COPY writes it, most of which gzip cannot make smaller.
  await tidings.pool.query(
    `insert into messages (tenant_id, notification_id, channel, sealed, rendered_at)
     select 'default', gen_random_uuid(), 'email', b, now()
     from (select string_agg(sha256(i::text::bytea), '' order by i) as b from generate_series(1, 100000) as i) as block,
          generate_series(1, 20)`,
  );
});
afterEach(async () => {
  await tidings.close();
  await target.drop();
  await folder.remove();
});

async function isServerWaiting(pool: TestTidings['pool']): Promise<boolean> {
  const { rows } = await pool.query(
    `select wait_event from pg_stat_activity where application_name = 'tidings dump' and datname = current_database()`,
  );
  return rows[0]?.wait_event === 'ClientWrite';
}

test('a dump whose output is not read makes the server wait, and continues when it is', async () => {
  const env = { PATH: process.env.PATH, ...toEnv(tidings.database, tidings.key, folder.path) };
  const child = spawn(process.execPath, ['dist/tidings.mjs', 'dump'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  for (let waits = 0, tries = 0; waits < 5 && tries < 400; tries++) {
    await pause(50);
    waits = (await isServerWaiting(tidings.pool)) ? waits + 1 : 0;
  }
  expect(await isServerWaiting(tidings.pool)).toBe(true);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  expect((await once(child, 'close'))[0]).toBe(0);
  const restored = await runTidings(['restore', '-', '--json'], toEnv(target, tidings.key, folder.path), {
    input: Buffer.concat(chunks),
  });
  expect(restored.code).toBe(0);
}, 60_000);

/** Runs a command. Returns the most memory that its process had at a time, in MB. */
async function measurePeak(args: readonly string[], env: { readonly [name: string]: string }): Promise<number> {
  let peak = 0;
  let isOver = false;
  let watching: Promise<void> | undefined;
  const { code } = await runTidings(args, env, {
    onStarted(_kill, pid) {
      watching = (async () => {
        for (; !isOver; await pause(20)) {
          const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
          peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
        }
      })();
    },
  });
  isOver = true;
  await watching;
  expect(code).toBe(0);
  return peak;
}

test.runIf(process.platform === 'linux')(
  'a dump and a restore of 128 MB need a part of that as memory',
  async () => {
    const file = join(folder.path, 'a.gz');
    const base = await measurePeak(['migrate', '--dry-run'], toEnv(target, tidings.key, folder.path));
    const dumping = await measurePeak(['dump', file], toEnv(tidings.database, tidings.key, folder.path));
    const restoring = await measurePeak(['restore', file], toEnv(target, tidings.key, folder.path));
    expect(base).toBeGreaterThan(30);
    expect(dumping - base).toBeLessThan(110);
    expect(restoring - base).toBeLessThan(110);
  },
  120_000,
);
