import { afterAll, beforeAll, expect } from 'vitest';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { type TestServer, testServer } from './http.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** The API of the fintech catalog, with a worker that delivers to the sandbox. */
export interface SandboxedApi {
  tidings: TestTidings;
  server: TestServer;
  /** Posts an event. @param at day and time in October 2025, such as `31T19:00:00` */
  post(user: string, type: string, at: string, more?: object): Promise<void>;
  /** Waits until no delivery of this user is queued or being sent. */
  settled(user: string): Promise<void>;
}

/** Prepares the tests of a file: call it once, at its top. */
export function useSandboxedApi(): SandboxedApi {
  const api = {
    async post(user, type, at, more = {}) {
      const { status } = await api.server.post('/api/v1/events', {
        user_id: user,
        event_type: type,
        event_timestamp: `2025-10-${at}Z`,
        ...more,
      });
      expect(status).toBe(202);
    },
    async settled(user) {
      await expect
        .poll(async () => {
          const { rows } = await api.tidings.database.pool.query(
            `select 1 from deliveries where user_id = $1 and status in ('queued', 'sending')`,
            [user],
          );
          return rows.length;
        })
        .toBe(0);
    },
  } as SandboxedApi;
  beforeAll(async () => {
    api.tidings = await testTidings({
      email: sandboxProvider(['email']),
      sms: sandboxProvider(['sms']),
      internal: sandboxProvider(['internal']),
    });
    api.server = await testServer(api.tidings);
    await api.tidings.worker();
  });
  afterAll(async () => {
    await api.server.close();
    await api.tidings.close();
  });
  return api;
}
