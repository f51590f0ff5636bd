import { expect } from 'vitest';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { type Answer, type TestServer, testServer } from './http.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** The API of the fintech catalog, and events to post to it. */

export interface TestApi {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  close(): Promise<void>;
}

/** Starts the API with email in the sandbox. No worker runs. */
export async function testApi(options: Parameters<typeof testServer>[1] = {}): Promise<TestApi> {
  const tidings = await testTidings({ email: sandboxProvider(['email']) });
  const server = await testServer(tidings, options);
  return {
    tidings,
    server,
    async close() {
      await server.close();
      await tidings.close();
    },
  };
}

export type EventFields = { readonly event_id?: string; readonly [field: string]: unknown };

let users = 0;

/** Returns a payment_failed event of a new user, with `fields` added or replaced. */
export function payment(fields: EventFields = {}): EventFields {
  return {
    user_id: `user ${users++}`,
    event_type: 'payment_failed',
    event_timestamp: '2025-10-31T10:00:00Z',
    ...fields,
  };
}

/** Expects a problem document with this status and code, and with one error at `pointer` or without any. */
export function expectProblem(
  { status, headers, body }: Answer,
  expected: { status: number; code: string; pointer?: string },
): void {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(body).toEqual({
    type: `/api/docs/errors#${expected.code}`,
    title: expect.any(String),
    status: expected.status,
    detail: expect.stringMatching(/\w+ \w+/),
    code: expected.code,
    request_id: headers.get('x-request-id'),
    ...(expected.pointer === undefined
      ? {}
      : { errors: [{ pointer: expected.pointer, message: expect.stringMatching(/\w+ \w+/) }] }),
  });
  expect(status).toBe(expected.status);
}
