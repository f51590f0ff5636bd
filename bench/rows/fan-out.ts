import { randomUUID } from 'node:crypto';
import type { Provider } from '../../src/channels/provider.ts';
import { openWebhooks } from '../../src/channels/webhook/webhook.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import type { Seal } from '../../src/privacy/seal.ts';
import { saveEndpoint } from '../../src/store/webhooks/endpoints.ts';
import { EndpointTargets } from '../../src/webhooks/endpoint-targets.ts';
import { bareHttp } from '../bare-http.ts';
import { ingestEach, useChannelCatalog } from '../channel-catalog.ts';
import { type Child, startChild } from '../child.ts';
import { type Row, rate } from '../row.ts';
import { type Database, type Setup, type Tidings, withTidings } from '../setup.ts';

const ENDPOINTS = 1000;
const EVENTS = 5;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const MAX_CONNECTIONS = 256;

/** Webhooks of events that each go to 1,000 endpoints, against undici by itself. */
export const fanOutRow: Row = {
  id: 'fan_out',
  name: 'webhooks of one event to 1000 endpoints',
  unit: 'messages/s',
  against: 'bare undici, as many requests at once',
  direction: 'higher',
  atLeast: 0.1,
  goal: 0.3,
  measure: (setup) =>
    withSink(async (base, provider) => {
      const urls = Array.from({ length: ENDPOINTS * EVENTS }, (_, i) => `${base}/hooks/${i % ENDPOINTS}`);
      const limit = await bareHttp(
        urls,
        provider.concurrency,
        JSON.stringify({ type: 'POST', data: { text: 'Hello' } }),
      );
      return { value: await measureFanOut(setup, base, provider, 0), limit };
    }),
};

/** The same with one endpoint that answers after ten seconds, against the same without it. */
export const slowEndpointRow: Row = {
  id: 'slow_endpoint',
  name: 'webhooks to 1000 endpoints, one of which is slow: those to the others',
  unit: 'messages/s',
  against: 'the same without a slow one',
  direction: 'higher',
  atLeast: 0.7,
  goal: 0.95,
  measure: (setup) =>
    withSink(async (base, provider) => {
      const limit = await measureFanOut(setup, base, provider, 0);
      return { value: await measureFanOut(setup, base, provider, 1), limit };
    }),
};

async function withSink<T>(work: (base: string, provider: Provider) => Promise<T>): Promise<T> {
  const sink: Child<void> = await startChild('http-sink.ts', {});
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1', MAX_CONNECTIONS);
  const provider = openWebhooks({ http, clock: Date.now });
  try {
    return await work(`http://127.0.0.1:${sink.ready}`, provider);
  } finally {
    await provider.close();
    await http.close();
    await sink.stop();
  }
}

/** Returns messages/s to the endpoints that are not slow, until the last of them is sent. */
function measureFanOut(setup: Setup, base: string, provider: Provider, slow: number): Promise<number> {
  return setup.withDatabase(async (database) => {
    await useChannelCatalog(database);
    const count = (ENDPOINTS - slow) * EVENTS;
    const makeTargets = (seal: Seal) =>
      new Map([
        ['webhook' as const, new EndpointTargets({ pool: database.pool, seal, clock: Date.now, random: Math.random })],
      ]);
    const measure = async (tidings: Tidings) => {
      await addEndpoints(database, tidings.seal, base, slow);
      await ingestEach(tidings, 'post', EVENTS);
      return rate(count, async () => {
        await tidings.deliver();
        await untilSent(database, count);
      });
    };
    return withTidings(database, measure, { webhook: provider }, makeTargets);
  });
}

async function addEndpoints({ pool }: Database, seal: Seal, base: string, slow: number): Promise<void> {
  for (let i = 0; i < ENDPOINTS; i++) {
    const written = {
      tenantId: DEFAULT_TENANT,
      endpointId: randomUUID(),
      url: `${base}/${i < slow ? 'slow' : 'hooks'}/${i}`,
      description: '',
      notificationTypes: null,
      eventTypes: null,
      channels: null,
      format: 'json',
      ordered: false,
      perSecond: null,
      state: 'active',
      stateCode: null,
      operationId: randomUUID(),
      secrets: [{ secret: SECRET, until: null }],
      headers: {},
    } as const;
    await saveEndpoint(pool, seal, written, Date.now());
  }
}

async function untilSent({ pool }: Database, count: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ sent: number }>(
      `select count(*)::int as sent from deliveries where status = 'sent'`,
    );
    if ((rows[0]?.sent ?? 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
