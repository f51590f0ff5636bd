import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exportUser } from '../src/store/export/export-user.ts';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import { TENANT } from './support/tidings.ts';

/** Everything about a user as one archive, which any tar reads. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const REASON = { reason: 'ticket 4711' };
const at = () => new Date(api.tidings.clock.now).toISOString();
const post = (items: object[]) => api.tidings.ingest(items);
const request = (user: string, body: object = REASON) =>
  fetch(`${api.server.url}/api/v1/users/${user}/export`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Goes away after the first bytes of an export; returns the status. */
function readFirst(user: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asked = httpRequest(`${api.server.url}/api/v1/users/${user}/export`, {
      method: 'POST',
      headers,
      agent: false,
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.once('data', () => {
        response.destroy();
        resolve(response.statusCode);
      });
    });
    asked.end(JSON.stringify(REASON));
  });
}

/** Unpacks an archive with the tar of the machine; returns the content of its files by name. */
function unpack(archive: Buffer): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-export-'));
  try {
    execFileSync('tar', ['-xf', '-', '-C', folder], { input: archive });
    const names = readdirSync(folder, { recursive: true }).map(String);
    const files = names.filter((name) => statSync(join(folder, name)).isFile()).sort();
    return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: rows of an export; tests look into them
function linesOf(files: Map<string, string>, list: string): any[] {
  return [...files]
    .filter(([name]) => name.startsWith(`${list}/`))
    .flatMap(([, text]) => text.trimEnd().split('\n'))
    .map((line) => JSON.parse(line));
}

describe('an export', () => {
  test('has what is stored of the user, unmasked, and nothing of others', async () => {
    await api.tidings.worker();
    await post([
      {
        user_id: 'maria',
        event_type: 'signup_completed',
        event_timestamp: at(),
        properties: { referral_source: 'from friend@example.com' },
        user_traits: { email: 'maria@example.com', first_name: 'Maria', marketing_opt_in: true },
      },
      {
        user_id: 'other',
        event_type: 'signup_completed',
        event_timestamp: at(),
        user_traits: { email: 'other@example.com' },
      },
    ]);
    await vi.waitFor(
      async () => {
        const { rows } = await api.tidings.database.pool.query('select from deliveries where finished_at is null');
        expect(rows).toEqual([]);
      },
      { timeout: 15_000 },
    );
    await api.server.post('/api/v1/suppressions', { channel: 'email', address: 'maria@example.com', scope: 'type:X' });
    const answer = await request('maria');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      200,
      'application/x-tar',
      'no-store',
    ]);
    const files = unpack(Buffer.from(await answer.arrayBuffer()));
    expect(JSON.parse(files.get('user.json') ?? '')).toMatchObject({
      user_id: 'maria',
      traits: { email: 'maria@example.com', first_name: 'Maria' },
      addresses: { email: 'maria@example.com' },
    });
    expect(linesOf(files, 'events')).toMatchObject([
      {
        event_type: 'signup_completed',
        properties: { referral_source: 'from friend@example.com' },
        decisions: [{ rule: 'WELCOME_EMAIL', outcome: 'send' }],
      },
    ]);
    expect(linesOf(files, 'notifications')).toMatchObject([{ notification_type: 'WELCOME_EMAIL' }]);
    expect(linesOf(files, 'deliveries')).toMatchObject([{ channel: 'email', status: 'sandboxed' }]);
    expect(linesOf(files, 'messages')).toMatchObject([{ message: { subject: expect.any(String) } }]);
    expect(linesOf(files, 'suppressions')).toMatchObject([{ scope: 'type:X' }]);
    expect(linesOf(files, 'audit')).toMatchObject([{ action: 'user.exported', detail: REASON }]);
    expect(files.get('README.txt')).toContain('user.json');
    expect([...files.values()].join('')).not.toContain('other@');
  });

  test('of a user who is not known, or without a reason, is a problem', async () => {
    expectProblem(await api.server.post('/api/v1/users/unknown/export', REASON), {
      status: 404,
      code: 'not_found',
      pointer: 'user_id',
    });
    expectProblem(await api.server.post('/api/v1/users/maria/export', {}), {
      status: 400,
      code: 'invalid_request',
      pointer: '/reason',
    });
  });

  test('of many events is split into files, has each event once, and none that came after its beginning', async () => {
    const event = (index: number) => ({
      user_id: 'many',
      event_type: 'payment_initiated',
      event_timestamp: new Date(api.tidings.clock.now + index).toISOString(),
      properties: { note: 'x'.repeat(2000), index },
    });
    for (let first = 0; first < 2500; first += 500)
      await post(Array.from({ length: 500 }, (_, index) => event(first + index)));
    const parts: Buffer[] = [];
    const asked = { tenantId: TENANT, userId: 'many', now: api.tidings.clock.now };
    for await (const part of exportUser(api.tidings.database.pool, api.tidings.seal, asked)) {
      if (parts.length === 2) await post([event(9999)]);
      expect(part.length).toBeLessThan(2 * 1024 * 1024);
      parts.push(part);
    }
    const files = unpack(Buffer.concat(parts));
    expect([...files.keys()].filter((name) => name.startsWith('events/')).length).toBeGreaterThan(4);
    expect(linesOf(files, 'events').map(({ properties }) => properties.index)).toEqual(
      Array.from({ length: 2500 }, (_, index) => index),
    );
  });

  test('whose reader goes away lets the next one begin', async () => {
    for (let tries = 0; tries < 4; tries++) {
      expect(await readFirst('many')).toBe(200);
      await vi.waitFor(
        async () => {
          const next = await request('maria');
          await next.arrayBuffer();
          expect(next.status).toBe(200);
        },
        { timeout: 15_000, interval: 200 },
      );
    }
  });
});
