import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApnsTrial, startApns } from './support/apns.ts';
import { APNS_DEVICE, APNS_PUBLIC_KEY, acceptApns, answerApns } from './support/stand-ins/apns.ts';
import type { SeenRequest } from './support/stand-ins/http-stand-in.ts';

const MINUTE = 60_000;

let trial: ApnsTrial;
beforeEach(async () => {
  trial = await startApns();
});
afterEach(() => trial.stop());

const tokenOf = (index: number) =>
  String(trial.standIn.requests.at(index)?.headers.authorization).replace('bearer ', '');

describe('a message of APNs', () => {
  test('has its headers: topic, type, priority, id, collapse id and expiration', async () => {
    await trial.send({ isUrgent: true, expiresAt: 1_800_000_000_500 });
    const { path, headers, body } = trial.standIn.requests[0] as SeenRequest;
    expect(path).toBe(`/3/device/${APNS_DEVICE.token}`);
    expect(headers).toMatchObject({
      'apns-topic': 'com.example.booking',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': '1800000000',
    });
    expect(headers['apns-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(headers['apns-collapse-id']).toBe(headers['apns-id']);
    expect(JSON.parse(body)).toEqual({
      notification_id: 'n-1',
      aps: { alert: { title: 'Booked', body: 'At 9' }, sound: 'default' },
    });
  });

  test('has its data beside aps, which the data cannot replace', async () => {
    await trial.send({
      message: { text: 'Hi', badge: 2, image: 'https://x.test/a.png', data: { booking: 7, aps: { alert: 'no' } } },
    });
    expect(JSON.parse(trial.standIn.requests[0]?.body ?? '')).toEqual({
      notification_id: 'n-1',
      booking: 7,
      image: 'https://x.test/a.png',
      aps: { alert: { body: 'Hi' }, sound: 'default', badge: 2, 'mutable-content': 1 },
    });
  });

  test('that shows nothing goes in the background, never with priority 10', async () => {
    await trial.send({ message: { text: '', data: { sync: true } }, isUrgent: true });
    const [request] = trial.standIn.requests;
    expect(request?.headers).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' });
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ sync: true, aps: { 'content-available': 1 } });
  });

  test('to another kind of target is rejected without a request', async () => {
    expect(await trial.send({ target: { ...APNS_DEVICE, platform: 'android' } })).toMatchObject({ kind: 'rejected' });
    expect(trial.standIn.requests).toEqual([]);
  });
});

describe('the authentication token of APNs', () => {
  test('is signed by the key of the account, and serves many messages', async () => {
    await trial.send();
    await trial.send();
    const { payload } = await jwtVerify(tokenOf(0), APNS_PUBLIC_KEY);
    expect(payload).toMatchObject({ iss: 'DEF123GHIJ' });
    expect(decodeProtectedHeader(tokenOf(0))).toMatchObject({ alg: 'ES256', kid: 'ABC123DEFG' });
    expect(tokenOf(1)).toBe(tokenOf(0));
  });

  test('is replaced after half an hour, before Apple lets it expire', async () => {
    await trial.send();
    trial.pass(31 * MINUTE);
    await trial.send();
    expect(tokenOf(1)).not.toBe(tokenOf(0));
  });

  test('that has expired is replaced once, and the message sent again at once', async () => {
    await trial.send();
    // The same period, but older than Apple wants a token to be before the next.
    trial.pass(21 * MINUTE);
    await trial.send();
    trial.standIn.reply(answerApns({ code: 'ExpiredProviderToken' }));
    const outcomes = [await trial.send(), await trial.send()];
    expect(outcomes.some(({ kind }) => kind === 'misconfigured')).toBe(true);
    const before = tokenOf(-1);
    trial.standIn.reply(acceptApns);
    trial.pass(40 * MINUTE);
    expect(await trial.send()).toMatchObject({ kind: 'sent' });
    expect(tokenOf(-1)).not.toBe(before);
  });

  test('that is new and counts as expired means that the clock is wrong', async () => {
    trial.standIn.reply(answerApns({ code: 'ExpiredProviderToken' }));
    expect(await trial.send()).toMatchObject({ kind: 'misconfigured', code: 'ExpiredProviderToken' });
    await trial.send();
    expect(tokenOf(1)).toBe(tokenOf(0));
  });
});

describe('dead tokens of APNs', () => {
  test('have the time since when, as APNs says it', async () => {
    trial.standIn.reply(answerApns({ code: 'Unregistered' }, { timestamp: 1_750_000_000_000 }));
    expect(await trial.send()).toMatchObject({ kind: 'address_dead', as: 'unregistered', since: 1_750_000_000_000 });
    trial.standIn.reply(answerApns({ code: 'Unregistered' }, { timestamp: 'yesterday' }));
    expect(await trial.send()).not.toHaveProperty('since');
  });

  test('a bad token is dead only if others are accepted', async () => {
    trial.standIn.reply(answerApns({ code: 'BadDeviceToken' }));
    expect(await trial.send()).toMatchObject({ kind: 'rejected', code: 'BadDeviceToken' });
    trial.standIn.reply(acceptApns);
    for (let n = 0; n < 10; n++) await trial.send();
    trial.standIn.reply(answerApns({ code: 'DeviceTokenNotForTopic' }));
    expect(await trial.send()).toMatchObject({ kind: 'address_dead', as: 'invalid', code: 'DeviceTokenNotForTopic' });
  });

  test('are never retired in masses: more than 20% of 20 stop the account instead', async () => {
    for (let n = 0; n < 16; n++) await trial.send();
    trial.standIn.reply(answerApns({ code: 'BadDeviceToken' }));
    const kinds: string[] = [];
    for (let n = 0; n < 8; n++) kinds.push((await trial.send()).kind);
    expect(kinds).toEqual([...Array(4).fill('address_dead'), ...Array(4).fill('misconfigured')]);
  });

  test('of the sandbox are counted and sent apart', async () => {
    const device = { ...APNS_DEVICE, environment: 'sandbox' } as const;
    await trial.send();
    trial.standIn.reply(answerApns({ code: 'BadDeviceToken' }));
    expect(await trial.send({ target: device })).toMatchObject({ kind: 'rejected' });
    expect(trial.standIn.connections()).toBe(2);
  });
});
