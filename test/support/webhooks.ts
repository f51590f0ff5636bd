import { vi } from 'vitest';
import { openWebhooks } from '../../src/channels/webhook/webhook.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { EndpointTargets } from '../../src/webhooks/endpoint-targets.ts';
import { deliveryCatalog } from './deliveries.ts';
import { type TestServer, testServer } from './http.ts';
import { type StandIn, startStandIn } from './stand-ins/http-stand-in.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** The API and the workers with endpoints of webhooks on this machine. */

/** An endpoint as the API created it, and the server behind it. */
export interface TestEndpoint {
  readonly id: string;
  readonly path: string;
  readonly secret: string;
  readonly standIn: StandIn;
}

type LoadEndpoint = (
  endpointId: string,
  usual: () => ReturnType<EndpointTargets['load']>,
) => ReturnType<EndpointTargets['load']>;

export interface TestWebhooks {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  /** Starts a server, and creates an endpoint with its URL. */
  endpoint(fields?: object): Promise<TestEndpoint>;
  /** Posts events `posted`, each of which sends a message of the type NEWS; returns the ids of the notifications. */
  tell(count?: number): Promise<string[]>;
  /** @param load replaces the look for an endpoint, which it gets as well */
  startWorker(load?: LoadEndpoint): Promise<void>;
  /** Waits until the deliveries of an endpoint have these statuses, oldest first. */
  become(endpoint: TestEndpoint, statuses: readonly string[]): Promise<void>;
  /** Returns the deliveries of an endpoint as the API shows them, oldest first. */
  // biome-ignore lint/suspicious/noExplicitAny: a response of the API
  deliveries(endpoint: TestEndpoint): Promise<any[]>;
  close(): Promise<void>;
}

export async function testWebhooks(): Promise<TestWebhooks> {
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1', 100);
  let now = () => 0;
  const tidings = await testTidings({ webhook: openWebhooks({ http, clock: () => now() }) });
  now = () => tidings.clock.now;
  const server = await testServer(tidings, { exempt: ({ hostname }) => hostname === '127.0.0.1' });
  const standIns: StandIn[] = [];
  let events = 0;
  await tidings.apply(
    new Map(
      [
        ...deliveryCatalog({
          'events.yaml': 'events: { posted: {} }',
          'notifications.yaml': 'notifications: { NEWS: { category: SYSTEM, channels: [webhook] } }',
          'rules.yaml': 'rules: { NEWS: { on: posted } }',
          'templates/NEWS/webhook.en.txt': 'News',
        }),
      ].filter(([file]) => !/^templates\/(?!NEWS)/.test(file)),
    ),
  );
  const self: TestWebhooks = {
    tidings,
    server,
    async endpoint(fields = {}) {
      const standIn = await startStandIn({ status: 204 });
      standIns.push(standIn);
      const { body } = await server.post('/api/v1/webhooks', { url: `${standIn.url}/hook`, ...fields });
      return { id: body.endpoint_id, path: `/api/v1/webhooks/${body.endpoint_id}`, secret: body.secret, standIn };
    },
    async tell(count = 1) {
      const items = Array.from({ length: count }, () => ({
        event_id: `posted ${events++}`,
        user_id: 'user 1',
        event_type: 'posted',
        event_timestamp: new Date(tidings.clock.now).toISOString(),
      }));
      const results = await tidings.ingest(items);
      return results.map(({ decisions }) => decisions[0]?.notification_id ?? '');
    },
    async startWorker(load) {
      const { seal, clock, database } = tidings;
      const targets = new EndpointTargets({ pool: database.pool, seal, clock: () => clock.now, random: () => 0 });
      if (load) {
        const usual = targets.load.bind(targets);
        targets.load = (tenantId, id, delivery) => load(id, () => usual(tenantId, id, delivery));
      }
      await tidings.worker({ targets: new Map([['webhook', targets]]), random: () => 0 });
    },
    async become(endpoint, statuses) {
      await vi.waitFor(
        async () => {
          const found = (await self.deliveries(endpoint)).map(({ status }) => status);
          if (found.join() !== statuses.join()) throw new Error(`they are ${found.join()}, not ${statuses.join()}`);
        },
        { timeout: 10_000, interval: 30 },
      );
    },
    async deliveries({ path }) {
      const { body } = await server.get(`${path}/deliveries?limit=200`);
      return [...body.deliveries].reverse();
    },
    async close() {
      await server.close();
      await tidings.close();
      await http.close();
      for (const standIn of standIns) await standIn.stop();
    },
  };
  return self;
}
