import { expect } from 'vitest';
import type { Answer } from './http.ts';
import type { TestNotifications } from './notifications.ts';

/** A batch as the API shows it, as far as tests look into it. */
export interface TestBatch {
  readonly batch_id: string;
  readonly state: string;
  readonly lines: number;
  readonly counts: { readonly [state: string]: number };
  readonly codes: { readonly [state: string]: { readonly [code: string]: number } };
  readonly ended_at: string | null;
}

export interface BatchResultLine {
  readonly line: number;
  readonly recipient: { readonly user_id?: string; readonly email?: string; readonly phone?: string } | null;
  readonly user_id: string | null;
  readonly state: string;
  readonly code: string | null;
  readonly notification_id: string | null;
  readonly channels: readonly { readonly channel: string; readonly status: string }[];
}

export const NDJSON = { 'content-type': 'application/x-ndjson' };

/** Batches over HTTP, on the server of direct sends. */
export function batchesOf({ server }: Pick<TestNotifications, 'server'>) {
  const path = (id: string) => `/api/v1/batches/${id}`;
  const get = async (id: string): Promise<TestBatch> => (await server.get(path(id))).body;
  return {
    /** Creates a batch of ORDER by email, unless the body says otherwise; returns its id. */
    async create(body: object = {}): Promise<string> {
      const answer = await server.post('/api/v1/batches', { type: 'ORDER', channels: ['email'], ...body });
      expect(answer.status).toBe(201);
      return answer.body.batch_id;
    },
    /** Uploads lines; those that are no text are written as JSON. Returns the status and the lines of the answer. */
    async add(id: string, lines: readonly unknown[], offset = 0) {
      const body = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
      const response = await fetch(`${server.url}${path(id)}/recipients?offset=${offset}`, {
        method: 'PUT',
        headers: NDJSON,
        body,
      });
      const text = await response.text();
      const answer = response.ok
        ? text
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [JSON.parse(text)];
      return { status: response.status, lines: answer };
    },
    command: (id: string, command: string): Promise<Answer> => server.post(`${path(id)}/${command}`),
    get,
    /** Waits until the batch has ended; returns it. */
    async ends(id: string, timeout = 30_000): Promise<TestBatch> {
      await expect.poll(async () => (await get(id)).ended_at, { timeout, interval: 50 }).not.toBeNull();
      return get(id);
    },
    async results(id: string, query = ''): Promise<BatchResultLine[]> {
      const all: BatchResultLine[] = [];
      for (let after = ''; ; ) {
        const { body } = await server.get(`${path(id)}/results?limit=200${query}${after}`);
        all.push(...body.results);
        if (body.next === null) return all;
        after = `&after=${body.next}`;
      }
    },
  };
}

/** Returns the sum of all states of a batch. */
export function sumOf({ counts }: TestBatch): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
