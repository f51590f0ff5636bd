import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadInboxCounts } from '../src/store/inbox/inbox.ts';
import { emptyDatabase, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

/** Readers of inboxes whose database was restored: the number of a change may be another one than theirs. */

let inbox: InboxTidings;
let folder: { path: string; remove: () => Promise<void> };
beforeAll(async () => {
  inbox = await inboxTidings();
  folder = await temporaryFolder();
  await recordKey(inbox.tidings);
});
afterAll(async () => {
  await inbox.close();
  await folder.remove();
});

const ANN = { tenantId: 'default', userId: 'ann' };

test('after a restore no position is given again: a reader from before is asked to list again', async () => {
  const { tidings } = inbox;
  await inbox.tell('ann', 'kept');
  const file = join(folder.path, 'a.gz');
  const env = (url: string) => toEnv({ url }, tidings.key, folder.path);
  expect((await runTidings(['dump', file], env(tidings.database.url))).stderr).toBe('');
  await inbox.tell('ann', 'lost', 'lost as well');
  const { position } = (await inbox.list('ann')).counts;
  const target = await emptyDatabase();
  try {
    expect((await runTidings(['restore', file], env(target.url))).code).toBe(0);
    const counts = await loadInboxCounts(target.pool, ANN, tidings.clock.now);
    expect(counts.unread).toBe(1);
    // A stream whose reader is behind `marked` begins with the event `reset`.
    expect(counts.marked).toBeGreaterThan(position);
    expect(counts.position).toBeGreaterThanOrEqual(counts.marked);
    expect(Number.isSafeInteger(counts.position)).toBe(true);
  } finally {
    await target.drop();
  }
}, 60_000);
