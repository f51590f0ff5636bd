import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApnsTrial, startApns } from './support/apns.ts';
import { acceptApns } from './support/stand-ins/apns.ts';

/** Many open streams of a connection to APNs whose server changes its mind. */

const MAX_STREAMS = 50;

let trial: ApnsTrial;
beforeEach(async () => {
  trial = await startApns({ maxConcurrentStreams: MAX_STREAMS });
});
afterEach(() => trial.stop());

const received = (count: number) => expect.poll(() => trial.standIn.requests.length, { timeout: 5000 }).toBe(count);
const sendMany = (count: number) =>
  Array.from({ length: count }, (_, n) => trial.send({ idempotencyKey: `n-${n}.push` }));
const count = (kinds: readonly { readonly kind: string }[], kind: string) =>
  kinds.filter((one) => one.kind === kind).length;

test('a server that lowers its limit loses nothing, and gets no more than the new limit once the old streams ended', async () => {
  let answer: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let [open, mostAfter, isLow] = [0, 0, false];
  trial.standIn.reply(async (request) => {
    open++;
    if (isLow) mostAfter = Math.max(mostAfter, open);
    else await gate;
    await new Promise((resolve) => setTimeout(resolve, 5));
    open--;
    return acceptApns(request);
  });
  const sends = sendMany(200);
  await received(MAX_STREAMS);
  trial.standIn.allowStreams(3);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(trial.standIn.requests).toHaveLength(MAX_STREAMS);
  answer();
  await expect.poll(() => open, { interval: 1 }).toBeLessThanOrEqual(3);
  isLow = true;
  const outcomes = await Promise.all(sends);
  expect(count(outcomes, 'sent')).toBe(200);
  expect(trial.standIn.requests).toHaveLength(200);
  expect(mostAfter).toBeLessThanOrEqual(3);
  expect(trial.standIn.connections()).toBe(1);
});

test('a server that allows no stream at all for a while gets none, and then the rest', async () => {
  await trial.send();
  trial.standIn.allowStreams(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const sends = sendMany(10);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(trial.standIn.requests).toHaveLength(1);
  trial.standIn.allowStreams(5);
  expect(count(await Promise.all(sends), 'sent')).toBe(10);
});

test('a reset with many open streams leaves those in doubt, and the waiting ones go by a new connection', async () => {
  trial.standIn.reply({ instead: 'hang' });
  const sends = sendMany(120);
  await received(MAX_STREAMS);
  trial.standIn.reply(acceptApns);
  trial.standIn.reset();
  const outcomes = await Promise.all(sends);
  expect([count(outcomes, 'in_doubt'), count(outcomes, 'sent')]).toEqual([MAX_STREAMS, 120 - MAX_STREAMS]);
  expect(trial.standIn.requests).toHaveLength(120);
  expect(trial.standIn.connections()).toBe(2);
});

test('streams that the server rejects were surely not processed, and may go at once', async () => {
  trial.standIn.reply({ instead: 'reject_stream' });
  const outcomes = await Promise.all(sendMany(20));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'retry', of: 'message', after: 0 });
  trial.standIn.reply(acceptApns);
  expect(await trial.send()).toMatchObject({ kind: 'sent' });
  expect(trial.standIn.connections()).toBe(1);
});

test('of two GOAWAYs the later one counts: what it leaves out was not processed', async () => {
  trial.standIn.reply({ instead: 'hang' });
  const stop = new AbortController();
  const sends = Array.from({ length: 6 }, (_, n) => trial.send({ idempotencyKey: `n-${n}` }, stop.signal));
  await received(6);
  // As a server that is about to stop: first without a limit, then with it.
  trial.standIn.goAway(2 ** 31 - 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  trial.standIn.goAway(5, { code: 2 });
  const later = await Promise.all(sends.slice(3));
  for (const outcome of later) expect(outcome).toMatchObject({ kind: 'retry', of: 'message', after: 0 });
  stop.abort();
  expect(count(await Promise.all(sends.slice(0, 3)), 'in_doubt')).toBe(3);
});
