import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { catalogWith } from './support/releases.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A release from its start to its end by the command line, and by the client. */

let tidings: TestTidings;
let server: TestServer;
let folder: string;
const { TIDINGS_URL } = process.env;

beforeAll(async () => {
  tidings = await testTidings({}, new Map(Object.entries(catalogWith('paid'))));
  server = await testServer(tidings);
  process.env.TIDINGS_URL = server.url;
  folder = mkdtempSync(join(tmpdir(), 'tidings-release-'));
});
afterAll(async () => {
  if (TIDINGS_URL === undefined) delete process.env.TIDINGS_URL;
  else process.env.TIDINGS_URL = TIDINGS_URL;
  rmSync(folder, { recursive: true });
  await server.close();
  await tidings.close();
});

function write(type: string): string {
  for (const [path, text] of Object.entries(catalogWith('paid', type))) writeFileSync(join(folder, path), text);
  return folder;
}

const run = async (...args: string[]) => {
  const { exitCode, text, errors } = await runCommand('release', ...args);
  expect(exitCode, errors || text).toBe(0);
  return text;
};

test('the command line starts, shows, raises and finishes a release', async () => {
  expect(await run('status')).toContain('No version has been released yet');
  expect(await run('start', write('NEW'), '--share', '10', '--note', 'a try', '--max-errors', '0.1')).toContain(
    'version 2 in the place of 1, to 10% of the users',
  );
  const status = await run('status');
  for (const part of ['a try', 'version 1', 'version 2', 'events', 'complained', 'too few:'])
    expect(status).toContain(part);
  expect(JSON.parse(await run('status', '--json'))).toMatchObject({ share: 10, watch: { max_error_increase: 0.1 } });
  expect(await run('share', '50')).toContain('to 50% of the users');
  expect(await run('finish', '--reason', 'all is well')).toContain('finished');
  expect(await run('list')).toContain('finished');
  const again = await runCommand('release', 'rollback');
  expect(again.exitCode).not.toBe(0);
  expect(again.errors).toContain('No release is under way');
});

test('bounds of the volume that leave nothing between them are rejected', async () => {
  const bounds = ['--min-volume', '3', '--max-volume', '2'];
  const { exitCode, errors } = await runCommand('release', 'start', write('NEW'), '--share', '10', ...bounds);
  expect(exitCode).not.toBe(0);
  expect(errors).toContain('watch.min_volume_ratio is 3, more than the 2 of max_volume_ratio');
  expect(errors).toContain('write at most 2');
});

test('the command line releases an earlier version, and rolls back', async () => {
  await run('start', '--catalog-version', '1', '--share', '25', '--no-watch');
  expect(await run('status')).toContain('It is not watched');
  expect(await run('rollback', '--reason', 'enough')).toContain('rolled back');
  const { exitCode, errors } = await runCommand('release', 'start', '--share', '5');
  expect([exitCode === 0, errors]).toEqual([false, expect.stringContaining('--catalog-version')]);
});

test('the client does the same', async () => {
  const client = new Tidings({ baseUrl: server.url });
  const { release } = await client.releases.start({ files: catalogWith('paid', 'BY_CLIENT'), share: 5 });
  expect((await client.releases.raiseShare(release.release_id, 20)).share).toBe(20);
  expect((await client.releases.get(release.release_id)).comparison?.since_start.released.version).toBe(
    release.to_version,
  );
  await client.releases.rollBack(release.release_id);
  const all: string[] = [];
  for await (const one of client.releases.list()) all.push(one.state);
  expect(all).toEqual(['rolled_back', 'rolled_back', 'finished']);
});
