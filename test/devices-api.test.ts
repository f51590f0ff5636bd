import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const APNS = 'a1b2c3d4e5f60718';
const FCM = 'fGx2:APA91bHun4MxP5egoKMwt2KZFBaFUH';
const SUBSCRIPTION = {
  endpoint: 'https://push.example.com/send/abcd1234',
  expirationTime: null,
  keys: { p256dh: `B${'x'.repeat(86)}`, auth: 'y'.repeat(22) },
};
let users = 0;

/** Calls for a user of its own. */
function newUser() {
  const userId = `device user ${users++}`;
  const path = `/api/v1/users/${encodeURIComponent(userId)}/devices`;
  return {
    userId,
    post: (body: object, below = '') => api.server.post(path + below, body),
    list: async (query = '') => (await api.server.get(path + query)).body.devices,
    remove: (id: string) => api.server.send('DELETE', `${path}/${id}`),
  };
}

describe('devices of users', () => {
  test('a device is registered and listed with its token as a mask', async () => {
    const user = newUser();
    const { status, body } = await user.post({ platform: 'android', token: `${FCM}-one` });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      platform: 'android',
      service: 'fcm',
      app: 'default',
      token: '…-one',
      retired_at: null,
    });
    expect(await user.list()).toEqual([body]);
    expect(JSON.stringify(await user.list())).not.toContain(FCM);
    const { rows } = await api.tidings.database.pool.query('select d::text as row from devices as d');
    expect(JSON.stringify(rows)).not.toContain(FCM);
  });

  test('a token that is registered again is the same device, which was seen later', async () => {
    const user = newUser();
    const first = (await user.post({ platform: 'ios', token: `${APNS}00` })).body;
    api.tidings.clock.now += 60_000;
    const again = await user.post({ platform: 'ios', token: `${APNS}00`.toUpperCase(), environment: 'sandbox' });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({
      device_id: first.device_id,
      registered_at: first.registered_at,
      environment: 'sandbox',
    });
    expect(again.body.seen_at > first.seen_at).toBe(true);
    expect(await user.list()).toHaveLength(1);
  });

  test('a token that is seen for another user moves there, and the earlier device is retired as moved', async () => {
    const [ann, ben] = [newUser(), newUser()];
    const { device_id } = (await ann.post({ platform: 'android', token: `${FCM}-moves` })).body;
    const moved = await ben.post({ platform: 'android', token: `${FCM}-moves` });
    expect(moved.status).toBe(201);
    expect(moved.body.device_id).not.toBe(device_id);
    expect(await ann.list()).toEqual([]);
    expect(await ann.list('?retired=true')).toMatchObject([{ device_id, retired_code: 'moved' }]);
  });

  test('a token that two users register at the same time belongs to one of them', async () => {
    const racers = Array.from({ length: 6 }, newUser);
    const answers = await Promise.all(racers.map((user) => user.post({ platform: 'android', token: `${FCM}-race` })));
    expect(answers.map(({ status }) => status)).toEqual(racers.map(() => 201));
    expect((await Promise.all(racers.map((user) => user.list()))).flat()).toHaveLength(1);
  });

  test('the paths of the two services take a registration_id', async () => {
    const user = newUser();
    const apns = await user.post({ registration_id: `${APNS}01`, environment: 'sandbox' }, '/apns');
    const fcm = await user.post({ registration_id: `${FCM}-path` }, '/fcm');
    expect(apns.body).toMatchObject({ platform: 'ios', service: 'apns', environment: 'sandbox' });
    expect(fcm.body).toMatchObject({ platform: 'android', service: 'fcm', environment: null });
    expectProblem(await user.post({ registration_id: FCM }, '/apns'), {
      status: 400,
      code: 'invalid_request',
      pointer: '/registration_id',
    });
  });

  test('an iOS app with the Firebase SDK is reached by Firebase', async () => {
    const user = newUser();
    expect((await user.post({ platform: 'ios', token: `${FCM}-ios` })).body).toMatchObject({ service: 'fcm' });
    expect((await user.post({ platform: 'ios', token: `${APNS}02`, service: 'fcm' })).body).toMatchObject({
      service: 'fcm',
    });
  });

  test('a browser is registered with its subscription, whose URL leads to a public address', async () => {
    const user = newUser();
    const { body } = await user.post({ platform: 'web', subscription: SUBSCRIPTION });
    expect(body).toMatchObject({ service: 'web_push', token: 'push.example.com/…1234' });
    for (const endpoint of [
      'http://push.example.com/a',
      'https://127.0.0.1/a',
      'https://169.254.169.254/a',
      'nonsense',
    ]) {
      expectProblem(await user.post({ platform: 'web', subscription: { ...SUBSCRIPTION, endpoint } }), {
        status: 400,
        code: 'invalid_request',
        pointer: '/subscription/endpoint',
      });
    }
  });

  test.each([
    [{ platform: 'web', token: FCM }, '/subscription'],
    [{ platform: 'android', subscription: SUBSCRIPTION }, '/token'],
    [{ platform: 'android', token: FCM, environment: 'sandbox' }, '/environment'],
    [{ platform: 'android', token: FCM, service: 'apns' }, '/service'],
    [{ platform: 'ios', token: FCM, service: 'apns' }, '/token'],
    [{ platform: 'ios', token: 'with blanks in it' }, '/token'],
    [{ platform: 'palm', token: FCM }, '/platform'],
  ])('%j is rejected at %s', async (body, pointer) => {
    expectProblem(await newUser().post(body), { status: 400, code: 'invalid_request', pointer });
  });

  test('a removed device is listed no more, and cannot be removed twice', async () => {
    const [user, other] = [newUser(), newUser()];
    const { device_id } = (await user.post({ platform: 'android', token: `${FCM}-removed` })).body;
    expectProblem(await other.remove(device_id), { status: 404, code: 'not_found', pointer: 'device_id' });
    expect((await user.remove(device_id)).body).toMatchObject({ device_id, retired_code: 'removed' });
    expectProblem(await user.remove(device_id), { status: 404, code: 'not_found', pointer: 'device_id' });
    expectProblem(await user.remove('nonsense'), { status: 404, code: 'not_found', pointer: 'device_id' });
    expect(await user.list()).toEqual([]);
    // The app may register it again.
    expect((await user.post({ platform: 'android', token: `${FCM}-removed` })).status).toBe(201);
  });

  test('a user has at most 50 devices, also when they are registered at the same time', async () => {
    const user = newUser();
    const answers = await Promise.all(
      Array.from({ length: 55 }, (_, i) => user.post({ platform: 'android', token: `${FCM}-bound-${i}` })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    const rejected = answers.find(({ status }) => status !== 201);
    expectProblem(rejected as NonNullable<typeof rejected>, { status: 422, code: 'too_many_devices' });
    expect(await user.list()).toHaveLength(50);
  });

  test('a user reaches the own devices with a token, and no others', async () => {
    const [user, other] = [newUser(), newUser()];
    await other.post({ platform: 'android', token: `${FCM}-others` });
    const { body } = await api.server.post(`/api/v1/users/${encodeURIComponent(user.userId)}/tokens`, {});
    const headers = { authorization: `Bearer ${body.token}` };
    const made = await api.server.post('/api/v1/me/devices', { platform: 'android', token: `${FCM}-own` }, headers);
    expect(made.body).toMatchObject({ user_id: user.userId });
    await api.server.post('/api/v1/me/devices/apns', { registration_id: `${APNS}03` }, headers);
    await api.server.post('/api/v1/me/devices/fcm', { registration_id: `${FCM}-own-2` }, headers);
    expect((await api.server.get('/api/v1/me/devices', headers)).body.devices).toHaveLength(3);
    const foreign = (await other.list())[0].device_id;
    expect((await api.server.send('DELETE', `/api/v1/me/devices/${foreign}`, undefined, headers)).status).toBe(404);
    const own = made.body.device_id;
    expect((await api.server.send('DELETE', `/api/v1/me/devices/${own}`, undefined, headers)).status).toBe(200);
    expect((await api.server.get('/api/v1/users/x/devices', headers)).status).toBe(403);
  });
});
