/** Posts events from a process of its own. Bodies are made beforehand: while it runs it only writes and reads sockets. */
import { Pool } from 'undici';
import { monotonic } from './clock.ts';
import { makeEvents, makeSignups, type Traffic } from './events.ts';

export interface GeneratorOrder {
  readonly url: string;
  readonly traffic: Traffic;
  /** `signups`: one email each. */
  readonly kind: 'mix' | 'signups';
  /** Events a request. */
  readonly perRequest: number;
  readonly connections: number;
  /** Requests a second, whatever the answers do (open loop); absent: as fast as the connections allow. */
  readonly perSecond?: number;
}

export interface GeneratorResult {
  readonly seconds: number;
  /** With `perSecond`: when each request was due, in milliseconds of the machine's monotonic clock. */
  readonly dueAt?: number[];
  /** Answers other than 202, by status. */
  readonly failed: { readonly [status: string]: number };
}

process.once('message', async (order: GeneratorOrder) => {
  process.on('disconnect', () => process.exit(0));
  const bodies = makeBodies(order);
  const pool = new Pool(order.url, { connections: order.connections, pipelining: 1 });
  process.once('message', async () => process.send?.(await run(order, bodies, pool)));
  process.send?.('ready');
});

function makeBodies({ traffic, kind, perRequest }: GeneratorOrder): Buffer[] {
  const events = kind === 'mix' ? makeEvents(traffic) : makeSignups(traffic);
  const bodies: Buffer[] = [];
  for (let from = 0; from < events.length; from += perRequest) {
    const part = events.slice(from, from + perRequest);
    bodies.push(Buffer.from(JSON.stringify(perRequest === 1 ? part[0] : part)));
  }
  return bodies;
}

async function run({ connections, perSecond }: GeneratorOrder, bodies: Buffer[], pool: Pool): Promise<GeneratorResult> {
  const failed: { [status: string]: number } = {};
  const post = async (body: Buffer | undefined) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await pool.request({ method: 'POST', path: '/api/v1/events', headers, body: body ?? null });
    await answer.body.dump({ limit: Number.POSITIVE_INFINITY });
    if (answer.statusCode !== 202) failed[answer.statusCode] = (failed[answer.statusCode] ?? 0) + 1;
  };
  const start = monotonic();
  const dueAt = perSecond === undefined ? undefined : bodies.map((_, i) => start + (i * 1000) / perSecond);
  if (dueAt) {
    await Promise.all(dueAt.map((due, i) => at(due).then(() => post(bodies[i]))));
  } else {
    let next = 0;
    const sender = async () => {
      while (next < bodies.length) await post(bodies[next++]);
    };
    await Promise.all(Array.from({ length: connections }, sender));
  }
  return { seconds: (monotonic() - start) / 1000, failed, ...(dueAt ? { dueAt } : {}) };
}

function at(due: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, due - monotonic())));
}
