import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isReleasedTo } from '../src/store/releases/active-version.ts';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { catalogWith } from './support/releases.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Releases over the API: which version decides about which user, and what may happen while one is under way. */

let tidings: TestTidings;
let server: TestServer;
const USERS = Array.from({ length: 40 }, (_, n) => `user-${n}`);

beforeAll(async () => {
  tidings = await testTidings({}, new Map(Object.entries(catalogWith('paid'))));
  server = await testServer(tidings);
});
beforeEach(async () => {
  const { body } = await server.get('/api/v1/releases?state=watching');
  for (const one of body.releases) await server.post(`/api/v1/releases/${one.release_id}/rollback`, {});
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

let made = 0;

/** Starts a release of a catalog whose rule sends another type. */
async function start(share: number, more: object = {}) {
  tidings.clock.now += 1000;
  const { status, body } = await server.post('/api/v1/releases', {
    files: catalogWith('paid', `NEW_${made++}`),
    share,
    ...more,
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.release as { release_id: string; from_version: number; to_version: number; share: number };
}

async function post(users: readonly string[]) {
  tidings.clock.now += 1000;
  const items = users.map((user_id) => ({
    user_id,
    event_type: 'paid',
    event_timestamp: new Date(tidings.clock.now).toISOString(),
    event_id: `event ${made++}`,
  }));
  await tidings.ingest(items);
  const { rows } = await tidings.database.pool.query(
    `select user_id, catalog_version as version, decisions from events where event_id = any ($1)`,
    [items.map(({ event_id: id }) => id)],
  );
  return new Map(rows.map((row) => [row.user_id as string, row.version as number]));
}

describe('a release', () => {
  test('decides about the users of its share by the new version, and about all others by the version before', async () => {
    const { release_id: id, from_version: from, to_version: to } = await start(30);
    const versions = await post(USERS);
    for (const user of USERS) {
      expect(versions.get(user), user).toBe(isReleasedTo({ id, share: 3000 }, user) ? to : from);
    }
    expect(new Set(versions.values())).toEqual(new Set([from, to]));
    expect((await server.get('/api/v1/catalog')).body.version).toBe(from);
  });

  test('keeps its users when the share grows, and has all of them when it is finished', async () => {
    const { release_id: id, to_version: to } = await start(20);
    const before = await post(USERS);
    const { body } = await server.post(`/api/v1/releases/${id}/share`, { share: 70 });
    expect(body).toMatchObject({ share: 70, steps: [{ share: 20 }, { share: 70 }] });
    const after = await post(USERS);
    for (const [user, version] of before) if (version === to) expect(after.get(user)).toBe(to);
    const reached = (versions: ReadonlyMap<string, number>) => [...versions.values()].filter((one) => one === to);
    expect(reached(after).length).toBeGreaterThan(reached(before).length);
    const finished = await server.post(`/api/v1/releases/${id}/finish`, { reason: 'all is well' });
    expect(finished.body).toMatchObject({ state: 'finished', end_reason: 'all is well' });
    expect(new Set((await post(USERS)).values())).toEqual(new Set([to]));
    const { body: listed } = await server.get('/api/v1/catalog/versions');
    expect(listed.versions[0]).toMatchObject({ version: to, active: true, activations: [{ kind: 'released' }] });
  });

  test('that is rolled back changes later decisions alone', async () => {
    const { release_id: id, from_version: from, to_version: to } = await start(50);
    const before = await post(USERS);
    await server.post(`/api/v1/releases/${id}/rollback`, { reason: 'a typo' });
    expect(new Set((await post(USERS)).values())).toEqual(new Set([from]));
    const user = [...before].find(([, version]) => version === to)?.[0] as string;
    const { body } = await server.get(`/api/v1/audit/${user}?limit=100`);
    expect(body.decisions.some((one: { catalog_version: number }) => one.catalog_version === to)).toBe(true);
  });

  test('ends once: a repetition changes nothing, the other end is rejected', async () => {
    const { release_id: id } = await start(50);
    await server.post(`/api/v1/releases/${id}/finish`, {});
    expect((await server.post(`/api/v1/releases/${id}/finish`, {})).body.state).toBe('finished');
    const answer = await server.post(`/api/v1/releases/${id}/rollback`, {});
    expectProblem(answer, { status: 409, code: 'release_ended' });
    expectProblem(await server.post(`/api/v1/releases/${id}/share`, { share: 90 }), {
      status: 409,
      code: 'release_ended',
    });
  });

  test('of a smaller share is rejected, since users would go back and forth', async () => {
    const { release_id: id } = await start(50);
    const answer = await server.post(`/api/v1/releases/${id}/share`, { share: 10 });
    expectProblem(answer, { status: 400, code: 'invalid_request', pointer: '/share' });
  });
});

describe('while a release is under way', () => {
  test('no other version is applied, rolled back to or released', async () => {
    const { from_version: from } = await start(50);
    const files = catalogWith('paid', 'OTHER');
    const applied = await server.post('/api/v1/catalog', { files });
    expectProblem(applied, { status: 409, code: 'release_under_way' });
    const released = await server.post('/api/v1/releases', { files, share: 5 });
    expectProblem(released, { status: 409, code: 'release_under_way' });
    // To the one that the other users have neither: the users of the release do not.
    for (const version of new Set([1, from])) {
      const back = await server.post('/api/v1/catalog/rollback', { version });
      expectProblem(back, { status: 409, code: 'release_under_way' });
    }
    const active = (await server.get(`/api/v1/catalog/files?version=${from}`)).body.files;
    expectProblem(await server.post('/api/v1/catalog', { files: active }), { status: 409, code: 'release_under_way' });
    expect((await server.post('/api/v1/catalog', { files, dry_run: true })).status).toBe(200);
  });

  test('events are checked by the version of their user', async () => {
    const files = catalogWith('paid', `NEW_${made++}`, 'amount: number');
    const { body } = await server.post('/api/v1/releases', { files, share: 50 });
    const { release_id: id } = body.release;
    const results = await tidings.ingest(
      USERS.map((user_id) => ({
        user_id,
        event_type: 'paid',
        event_timestamp: new Date(tidings.clock.now).toISOString(),
        event_id: `checked ${made++}`,
        properties: { amount: 'ten' },
      })),
    );
    for (const [n, { status }] of results.entries()) {
      const isReleased = isReleasedTo({ id, share: 5000 }, USERS[n] as string);
      expect(status, USERS[n]).toBe(isReleased ? 'rejected' : 'accepted');
    }
  });

  test('an explanation says which version decided, and why', async () => {
    const { release_id: id, from_version: from, to_version: to } = await start(50);
    const versions = await post(USERS);
    for (const version of [from, to]) {
      const user = [...versions].find((one) => one[1] === version)?.[0] as string;
      const { body } = await server.get(`/api/v1/audit/${user}?limit=1`);
      const { notification_type: type } = body.decisions[0];
      const explained = await server.get(`/api/v1/explain/${user}/${type}`);
      expect(explained.body.catalog_version).toBe(version);
      expect(explained.body.decisions[0].release).toMatchObject({
        release_id: id,
        share: 50,
        included: version === to,
      });
      expect(explained.body.paragraph).toContain(`Version ${version} decided`);
    }
  });

  test('a backtest repeats the decisions of both versions, before, during and after it', async () => {
    tidings.clock.now += 3_600_000;
    const since = tidings.clock.now;
    await post(USERS);
    tidings.clock.now += 1000;
    const { release_id: id } = await start(40);
    await post(USERS);
    tidings.clock.now += 1000;
    await server.post(`/api/v1/releases/${id}/share`, { share: 80 });
    await post(USERS);
    tidings.clock.now += 1000;
    await server.post(`/api/v1/releases/${id}/rollback`, {});
    await post(USERS);
    tidings.clock.now += 1000;
    const { reproduced } = await tidings.backtest(since);
    expect(reproduced).toMatchObject({ different: 0 });
    expect(reproduced?.decisions).toBeGreaterThanOrEqual(160);
  });
});

describe('what a request says', () => {
  const watched = (watch: object) => ({ version: 1, share: 10, watch });

  test.each([
    ['neither a version nor files', { share: 10 }, '/version'],
    ['a share of 0', { version: 1, share: 0 }, '/share'],
    ['a share above 100', { version: 1, share: 101 }, '/share'],
    ['a text that is no time', { version: 1, share: 10, finish_after: 'soon' }, '/finish_after'],
    ['a time that is too long', { version: 1, share: 10, finish_after: '91d' }, '/finish_after'],
    ['a note that cannot be stored', { version: 1, share: 10, note: 'a\u0000b' }, '/note'],
    [
      'no volume within both bounds',
      watched({ min_volume_ratio: 3, max_volume_ratio: 2.5 }),
      '/watch/min_volume_ratio',
    ],
    ['a least volume above the usual bound', watched({ min_volume_ratio: 2.1 }), '/watch/min_volume_ratio'],
    ['a greatest volume below the usual bound', watched({ max_volume_ratio: 0.4 }), '/watch/min_volume_ratio'],
    ['an unknown bound', { version: 1, share: 10, watch: { max_noise: 1 } }, undefined],
  ])('is rejected with %s', async (_, body, pointer) => {
    const answer = await server.post('/api/v1/releases', body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    if (pointer) expect(JSON.stringify(answer.body)).toContain(pointer);
  });

  test('bounds of the volume hold if one may be within both', async () => {
    for (const bounds of [
      { min_volume_ratio: 2, max_volume_ratio: 2 },
      { min_volume_ratio: 3, max_volume_ratio: null },
      { min_volume_ratio: null, max_volume_ratio: 0.1 },
    ]) {
      const { status, body } = await server.post('/api/v1/releases', {
        ...watched(bounds),
        version: undefined,
        files: catalogWith('paid', `NEW_${made++}`),
      });
      expect(status).toBe(201);
      expect(body.release.watch).toMatchObject(bounds);
      await server.post(`/api/v1/releases/${body.release.release_id}/rollback`, {});
    }
  });

  test('a version that is not there, and one that is active', async () => {
    expectProblem(await server.post('/api/v1/releases', { version: 9999, share: 10 }), {
      ...{ status: 404, code: 'not_found', pointer: '/version' },
    });
    const { version } = (await server.get('/api/v1/catalog')).body;
    expectProblem(await server.post('/api/v1/releases', { version, share: 10 }), {
      status: 400,
      code: 'invalid_request',
    });
  });

  test('an id of no release', async () => {
    for (const id of ['x', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'])
      expectProblem(await server.get(`/api/v1/releases/${id}`), { status: 404, code: 'not_found', pointer: 'id' });
  });

  test('is repeated by its idempotency key', async () => {
    const body = { files: catalogWith('paid', `NEW_${made++}`), share: 10 };
    const headers = { 'idempotency-key': 'release once' };
    const first = await server.post('/api/v1/releases', body, headers);
    const again = await server.post('/api/v1/releases', body, headers);
    expect(again.body).toEqual(first.body);
    expect((await server.get('/api/v1/releases?state=watching')).body.releases).toHaveLength(1);
  });
});

test('every step is in the audit log, and a marker of charts', async () => {
  const from = new Date(tidings.clock.now - 1000).toISOString();
  const { release_id: id, to_version: to } = await start(10);
  await server.post(`/api/v1/releases/${id}/share`, { share: 50 });
  await server.post(`/api/v1/releases/${id}/rollback`, { reason: 'enough' });
  const to_ = new Date(tidings.clock.now + 60_000).toISOString();
  const { body } = await server.get(`/api/v1/metrics/series?from=${from}&to=${to_}&grain=minute`);
  const own = body.markers.filter((one: { release_id: string }) => one.release_id === id);
  expect(own).toMatchObject([
    { kind: 'release_started', version: to, share: 10 },
    { kind: 'release_share_changed', share: 50 },
    { kind: 'release_rolled_back', reason: 'enough' },
  ]);
  const log = await server.get('/api/v1/audit-log?limit=3');
  expect(log.body.entries.map((one: { action: string }) => one.action)).toEqual([
    'release.rolled_back',
    'release.share_changed',
    'release.started',
  ]);
});
