import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectOutcome, never, outgoing, testProvider } from './support/channel-contract.ts';
import { expectNothingPrivate } from './support/definition-contract.ts';
import { type Endpoint, SECRET, startEndpoint } from './support/stand-ins/endpoint.ts';

/** Responses of an endpoint, and the fate of the message after each. */

const target = { kind: 'endpoint' as const, url: 'https://hooks.example.com/', headers: {}, secrets: [SECRET] };

testProvider(
  'webhook',
  async () => {
    const { provider, standIn, stop, target: local } = await startEndpoint();
    const send: typeof provider.send = (one, ...rest) =>
      provider.send(one.target.kind === 'endpoint' ? { ...one, target: local } : one, ...rest);
    standIn.reply({ status: 204 });
    return { provider: { ...provider, send, close: stop } };
  },
  { target },
);

describe('an endpoint that answers', () => {
  let endpoint: Endpoint;
  beforeAll(async () => {
    endpoint = await startEndpoint();
  });
  afterAll(() => endpoint.stop());
  beforeEach(() => endpoint.standIn.reply({ status: 204 }));

  const sendTo = async (reply: Parameters<Endpoint['standIn']['reply']>[0], more = {}) => {
    endpoint.standIn.reply(reply);
    const before = endpoint.standIn.requests.length;
    const outcome = await endpoint.send(more);
    expectOutcome(outcome);
    expect(endpoint.standIn.requests.length - before).toBe(1);
    return outcome;
  };

  test.each([200, 201, 202, 204, 299])('with %i has the message, whatever the body says', async (status) => {
    expect(await sendTo({ status, body: status === 204 ? '' : '<html>no JSON</html>' })).toMatchObject({
      kind: 'sent',
    });
  });

  test('with a body that never ends has the message', async () => {
    expect(await sendTo({ status: 200, body: 'x'.repeat(600_000) })).toMatchObject({ kind: 'sent' });
  });

  test.each([301, 302, 307, 308, 400, 401, 403, 404, 405, 422, 500, 501])(
    'with %i failed, and is tried again',
    async (status) => {
      const outcome = await sendTo({ status, headers: { location: `${endpoint.standIn.url}/elsewhere` }, body: 'no' });
      expect(outcome).toMatchObject({ kind: 'retry', of: 'recipient', code: String(status) });
      expect(outcome).not.toHaveProperty('after');
    },
  );

  test('with 410 is gone', async () => {
    expect(await sendTo({ status: 410 })).toMatchObject({ kind: 'address_dead', as: 'unregistered', code: '410' });
  });

  test.each([429, 502, 503, 504])('with %i is left alone for a minute, or for as long as it asks', async (status) => {
    expect(await sendTo({ status })).toMatchObject({ kind: 'retry', of: 'recipient', after: 60_000 });
    expect(await sendTo({ status, headers: { 'retry-after': '7' } })).toMatchObject({ after: 60_000 });
    expect(await sendTo({ status, headers: { 'retry-after': '600' } })).toMatchObject({ after: 600_000 });
    expect(await sendTo({ status, headers: { 'retry-after': 'soon' } })).toMatchObject({ after: 60_000 });
  });

  test('with Retry-After to any failure is left alone for as long', async () => {
    expect(await sendTo({ status: 500, headers: { 'retry-after': '120' } })).toMatchObject({ after: 120_000 });
  });

  test('with what it was sent leaves no secret, no header and no part of its URL in the outcome', async () => {
    const { url } = endpoint.target as { url: string };
    for (const status of [200, 400, 500]) {
      endpoint.standIn.reply({ status, body: `${SECRET} a-value-of-a-header ${url} t0ken-of-a-receiver` });
      const outcome = await endpoint.send({}, { headers: { 'x-key': 'a-value-of-a-header' } });
      expectNothingPrivate(outcome, [SECRET, 'a-value-of-a-header', url, 't0ken-of-a-receiver']);
    }
  });
});

test.each(['reset', 'reset_early', 'reset_midway'] as const)(
  'a connection that ends early (%s) is tried again',
  async (instead) => {
    const endpoint = await startEndpoint();
    endpoint.standIn.reply({ status: 200, body: 'x'.repeat(99), instead });
    expect(await endpoint.send()).toMatchObject({ kind: 'retry', of: 'recipient' });
    await endpoint.stop();
  },
);

test('an endpoint that does not answer is tried again', async () => {
  const endpoint = await startEndpoint();
  endpoint.standIn.reply({ instead: 'hang' });
  const one = outgoing({ channel: 'webhook', target: endpoint.target });
  const outcome = await endpoint.provider.send(one, AbortSignal.timeout(200));
  expect(outcome).toMatchObject({ kind: 'retry', of: 'recipient' });
  await endpoint.stop();
});

test('an endpoint that cannot be reached is tried again, and concerns no other endpoint', async () => {
  const endpoint = await startEndpoint();
  await endpoint.standIn.stop();
  expect(await endpoint.send()).toMatchObject({ kind: 'retry', of: 'recipient' });
  await endpoint.stop();
});

test.each([
  'https://127.1.1.1/',
  'https://[::ffff:7f00:1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/',
  'https://[fd00::1]/',
  'https://localhost./',
  'http://example.com/',
])('nothing is sent to %s', async (url) => {
  const endpoint = await startEndpoint();
  // The stand-in is on this machine, and exempt by its host name; a URL of a customer is not.
  const { provider } = endpoint;
  const outcome = await provider.send(outgoing({ channel: 'webhook', target: { ...target, url } }), never());
  expect(outcome).toMatchObject({ kind: 'retry', of: 'recipient' });
  expect(endpoint.standIn.requests).toEqual([]);
  await endpoint.stop();
});
