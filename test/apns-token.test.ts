import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApnsTrial, startApns } from './support/apns.ts';
import { acceptApns, answerApns } from './support/stand-ins/apns.ts';

/** The ages of the authentication tokens of APNs: none older than an hour, no two new ones within 20 minutes. */

const MINUTE = 60_000;
const PERIOD = 30 * MINUTE;

let trial: ApnsTrial;
beforeEach(async () => {
  trial = await startApns();
  // Just after the start of a period of 30 minutes.
  trial.pass(PERIOD - (Date.now() % PERIOD) + 2000);
});
afterEach(() => trial.stop());

/** Sends one message; returns when its token was issued, in minutes since `start`. */
async function issuedAfter(start: number): Promise<number> {
  await trial.send();
  const { authorization } = trial.standIn.requests.at(-1)!.headers;
  return (decodeJwt(String(authorization).split(' ')[1]!).iat! - start) / 60;
}

test('a token that replaced an expired one near the end of its period is used for at least 20 minutes', async () => {
  await trial.send();
  const start = decodeJwt(String(trial.standIn.requests[0]!.headers.authorization).split(' ')[1]!).iat!;
  trial.pass(29 * MINUTE);
  trial.standIn.reply(answerApns({ code: 'ExpiredProviderToken' }));
  expect(await trial.send()).toMatchObject({ kind: 'retry', of: 'message', after: 0, code: 'ExpiredProviderToken' });
  trial.standIn.reply(acceptApns);
  expect(Math.round(await issuedAfter(start))).toBe(29);
  trial.pass(2 * MINUTE);
  expect(Math.round(await issuedAfter(start))).toBe(29);
  trial.pass(17 * MINUTE);
  expect(Math.round(await issuedAfter(start))).toBe(29);
  trial.pass(12 * MINUTE);
  expect(Math.round(await issuedAfter(start))).toBe(60);
});

test('no token is older than an hour, and none is younger than 20 minutes when it is replaced', async () => {
  const seen: number[] = [];
  for (let minute = 0; minute < 300; minute += 3) {
    const at = await issuedAfter(0);
    if (at !== seen.at(-1)) seen.push(at);
    trial.pass(3 * MINUTE);
  }
  const ages = seen.slice(1).map((at, n) => at - seen[n]!);
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...ages)).toBeLessThan(55);
});

test('a clock that is set back gets a token of its own time', async () => {
  await trial.send();
  trial.pass(-120 * MINUTE);
  await trial.send();
  const [first, second] = trial.standIn.requests.map(
    ({ headers }) => decodeJwt(String(headers.authorization).split(' ')[1]!).iat!,
  );
  expect(first! - second!).toBe(120 * 60);
});

test('too many token updates pause the account for 20 minutes, and sign no further token', async () => {
  trial.standIn.reply(answerApns({ code: 'TooManyProviderTokenUpdates' }));
  expect(await trial.send()).toMatchObject({ kind: 'retry', of: 'account', after: 20 * MINUTE });
  await trial.send();
  const [first, second] = trial.standIn.requests;
  expect(second!.headers.authorization).toBe(first!.headers.authorization);
});
