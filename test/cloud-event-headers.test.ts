import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

/* Headers and media types of CloudEvents, as senders write them that do not follow the binding to the letter. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

/** Posts a CloudEvent in binary mode. Each byte of a header value is written as one character. */
const post = (id: string, headers: Record<string, string>) =>
  api.server.send(
    'POST',
    '/api/v1/events',
    { userId: 'ann' },
    {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/shop',
      'ce-type': 'headers.checked',
      ...headers,
    },
  );

test.each([
  ['encoded', 'c-%C3%BC%20x', 'c-ü x'],
  ['UTF-8', Buffer.from('c-ü').toString('latin1'), 'c-ü'],
  ['lone', '100% of %zz', '100% of %zz'],
  ['both', '100%: 5%25', '100%: 5%'],
])('an attribute is read from its header, whether or not the sender has encoded it: %s', async (id, sent, read) => {
  expect((await post(id, { 'ce-correlationid': sent })).status).toBe(202);
  const { body } = await api.server.get(`/api/v1/audit?correlation_id=${encodeURIComponent(read)}`);
  expect(JSON.stringify(body)).toContain(`/shop ${id}`);
});

test('encoded bytes that are not UTF-8 are rejected by the name of the header', async () => {
  const answer = await post('broken', { 'ce-correlationid': 'c-%FF' });
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: 'ce-correlationid' });
});

test('data with a media type of its own is read if that is JSON', async () => {
  const json = await post('own', { 'content-type': 'application/vnd.shop.order+json; charset=utf-8' });
  expect(json).toMatchObject({ status: 202, body: { accepted: 1 } });
  const xml = await post('xml', { 'content-type': 'application/vnd.shop.order+xml' });
  expectProblem(xml, { status: 415, code: 'unsupported_media_type' });
});

test('a body that is no CloudEvent has the media type of JSON itself', async () => {
  const answer = await api.server.send('POST', '/api/v1/events', [], { 'content-type': 'application/vnd.shop+json' });
  expectProblem(answer, { status: 415, code: 'unsupported_media_type' });
});

test('a source with a space and an id never make one event of two', async () => {
  const toEvent = (source: string, id: string) => ({
    specversion: '1.0',
    id,
    source,
    type: 'headers.checked',
    data: { userId: 'bob' },
  });
  const { body } = await api.server.send('POST', '/api/v1/events', [toEvent('/a b', 'c'), toEvent('/a', 'b c')]);
  expect(body).toMatchObject({ accepted: 2, results: [{ event_id: '/a%20b c' }, { event_id: '/a b c' }] });
});
