import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Http2Origin } from '../src/channels/push/http2-origin.ts';
import { type ApnsTrial, startApns } from './support/apns.ts';
import { cableTo } from './support/cable.ts';
import { acceptApns } from './support/stand-ins/apns.ts';
import { startHttp2StandIn } from './support/stand-ins/http2-stand-in.ts';

/** Number of streams that the stand-in allows. */
const MAX_STREAMS = 5;

let trial: ApnsTrial;
beforeEach(async () => {
  trial = await startApns({ maxConcurrentStreams: MAX_STREAMS });
});
afterEach(() => trial.stop());

const received = (count: number) => expect.poll(() => trial.standIn.requests.length).toBe(count);
const sendMany = (count: number) =>
  Array.from({ length: count }, (_, n) => trial.send({ idempotencyKey: `n-${n}.push` }));

describe('the connection to APNs', () => {
  test('is one for all messages of an account', async () => {
    const outcomes = await Promise.all(sendMany(30));
    expect(outcomes.every(({ kind }) => kind === 'sent')).toBe(true);
    expect(trial.standIn.connections()).toBe(1);
  });

  test('never has more streams than the server allows, also when it allows fewer', async () => {
    trial.standIn.reply((request) => ({ ...acceptApns(request), delay: 20 }));
    await Promise.all(sendMany(20));
    expect(trial.standIn.maxStreams()).toBe(MAX_STREAMS);
  });

  test('has room as soon as the server allows more', async () => {
    trial.standIn.reply({ instead: 'hang' });
    const stop = new AbortController();
    const sends = Array.from({ length: 8 }, () => trial.send({}, stop.signal));
    await received(MAX_STREAMS);
    trial.standIn.allowStreams(10);
    await received(8);
    stop.abort();
    expect(new Set((await Promise.all(sends)).map(({ kind }) => kind))).toEqual(new Set(['in_doubt']));
  });

  test('a message that waits for room and is aborted was surely not sent, and keeps no other from it', async () => {
    trial.standIn.reply({ instead: 'hang' });
    const stop = new AbortController();
    const hanging = Array.from({ length: MAX_STREAMS }, () => trial.send({}, stop.signal));
    await received(MAX_STREAMS);
    const soon = new AbortController();
    const waiting = trial.send({}, soon.signal);
    const next = trial.send();
    soon.abort();
    expect(await waiting).toMatchObject({ kind: 'retry' });
    trial.standIn.reply(acceptApns);
    stop.abort();
    await Promise.all(hanging);
    expect(await next).toMatchObject({ kind: 'sent' });
  });
});

describe('a GOAWAY of APNs', () => {
  for (const code of [0, 2]) {
    test(`with the code ${code} leaves in doubt what it may have processed, and lets the rest go at once`, async () => {
      trial.standIn.reply({ instead: 'hang' });
      const stop = new AbortController();
      const sends = Array.from({ length: 4 }, (_, n) => trial.send({ idempotencyKey: `n-${n}` }, stop.signal));
      await received(4);
      // Streams of a client are 1, 3, 5, 7: the last two count as not processed.
      trial.standIn.goAway(3, { code, data: '{"reason":"Shutdown"}' });
      const later = await Promise.all(sends.slice(2));
      for (const outcome of later) expect(outcome).toMatchObject({ kind: 'retry', of: 'message', after: 0 });
      stop.abort();
      const earlier = await Promise.all(sends.slice(0, 2));
      for (const outcome of earlier) expect(outcome).toMatchObject({ kind: 'in_doubt' });
      trial.standIn.reply(acceptApns);
      expect(await trial.send()).toMatchObject({ kind: 'sent' });
      expect(trial.standIn.connections()).toBe(2);
    });
  }

  test('gives the reason that it carries', async () => {
    await trial.send();
    trial.standIn.reply({ instead: 'hang' });
    const send = trial.send();
    await received(2);
    trial.standIn.goAway(1, { code: 2, data: '{"reason":"Shutdown"}' });
    expect(await send).toMatchObject({ kind: 'retry', code: 'Shutdown' });
  });

  test('loses and doubles nothing: each message is accepted once, or can be sent again at once', async () => {
    let count = 0;
    const accepted: unknown[] = [];
    trial.standIn.reply((request) => {
      accepted.push(request.headers['apns-id']);
      // In the middle of a burst: what was received so far is answered, and a new connection has the rest.
      if (++count === 10) trial.standIn.goAway(2 ** 31 - 1);
      return { ...acceptApns(request), delay: 5 };
    });
    const sent = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        for (let attempt = 1; ; attempt++) {
          const outcome = await trial.send({ idempotencyKey: `n-${n}.push`, attempt });
          if (outcome.kind === 'sent') return outcome.providerMessageId;
          expect(outcome).toMatchObject({ kind: 'retry', of: 'message' });
        }
      }),
    );
    expect(accepted.toSorted()).toEqual(sent.toSorted());
    expect(trial.standIn.connections()).toBe(2);
  });
});

describe('a server that is no APNs', () => {
  test('and answers with garbage has surely not got the message', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\nwhat?');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const origin = new Http2Origin(`http://127.0.0.1:${port}`, undefined);
    const result = await origin.request({ path: '/', headers: {}, body: '', signal: AbortSignal.timeout(20_000) });
    expect(result).toMatchObject({ failure: { handedOver: false } });
    await origin.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('and accepts the connection but says nothing has surely not got the message', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const origin = new Http2Origin(`http://127.0.0.1:${port}`, undefined);
    const result = await origin.request({ path: '/', headers: {}, body: '', signal: AbortSignal.timeout(200) });
    expect(result).toMatchObject({ failure: { handedOver: false, timedOut: true } });
    await origin.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

test('a connection that went silent is closed without a pong, its messages are in doubt, and the next one is new', async () => {
  const standIn = await startHttp2StandIn({ instead: 'hang' });
  const cable = await cableTo(standIn.url);
  const origin = new Http2Origin(new URL(cable.url).origin, undefined, { every: 50, within: 100 });
  const request = () => origin.request({ path: '/', headers: {}, body: 'x', signal: AbortSignal.timeout(30_000) });
  const hanging = request();
  await expect.poll(() => standIn.requests.length).toBe(1);
  cable.silence();
  expect(await hanging).toMatchObject({ failure: { handedOver: true, timedOut: true } });
  standIn.reply({ status: 200 });
  expect(await request()).toMatchObject({ response: { status: 200 } });
  await origin.close();
  cable.cut();
  await standIn.stop();
});
