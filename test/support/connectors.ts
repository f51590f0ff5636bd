import type { Logger } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import type { CatalogFiles } from '../../src/catalog/catalog-files.ts';
import { CardReferences } from '../../src/connectors/cards/card-references.ts';
import { runTask } from '../../src/connectors/run-task.ts';
import { ConnectorWorker, type ConnectorWorkerOptions } from '../../src/connectors/worker.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import type { ConnectorSettings } from '../../src/model/connector.ts';
import { loadExample } from './catalog.ts';
import { type TestServer, testServer } from './http.ts';
import { LENDER_SECRETS, Lender } from './stand-ins/lender.ts';
import { silent, TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Workers of connectors, and a catalog with connectors to the stand-ins of a lender. */

export interface TestConnectorWorker {
  readonly worker: ConnectorWorker;
  stop(): Promise<void>;
}

/** Starts a worker that may call the servers of the test alone. */
export function connectorWorker(
  tidings: TestTidings,
  lender: Pick<Lender, 'url'>,
  options: Partial<ConnectorWorkerOptions> = {},
): TestConnectorWorker {
  const client = new GuardedClient(undefined, 16);
  const parts = { client: client.exempting([lender.url]), references: new CardReferences() };
  const worker = new ConnectorWorker({
    pool: tidings.pool,
    pipeline: tidings.pipeline,
    catalogs: tidings.catalogs,
    seal: tidings.seal,
    environment: { tenantId: TENANT, secrets: new Map() },
    clock: () => tidings.clock.now,
    random: () => 0,
    log: silent,
    poll: 20,
    load: async () => ({ parts, run: runTask }),
    ...options,
  });
  worker.start();
  return {
    worker,
    async stop() {
      await worker.stop();
      await client.close();
    },
  };
}

/** A lender with its stand-ins, and a Tidings that imports its customers and registers their cards. */
export interface LenderTest {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  readonly lender: Lender;
  /** The worker that is running; a test may put another one in its place. */
  worker: TestConnectorWorker;
  /** Applies the example with other connectors. */
  apply(yaml: string): Promise<void>;
}

/** Prepares the tests of a file: call it once, at its top. The connectors are those of `connectorsYaml`, and their secrets are set. */
export function useLender({
  log = silent,
  settings,
  ...options
}: { readonly log?: Logger; readonly settings?: ConnectorSettings } & Pick<
  NonNullable<Parameters<typeof testServer>[1]>,
  'exempt'
> = {}): LenderTest {
  const parts = {} as { -readonly [part in keyof LenderTest]: LenderTest[part] };
  parts.apply = async (yaml) => {
    await parts.tidings.apply(withConnectors(await loadExample('lending'), yaml));
  };
  beforeAll(async () => {
    parts.lender = await Lender.start();
    parts.tidings = await testTidings({}, undefined, log);
    parts.tidings.clock.now = Date.parse('2026-11-02T15:00:00Z');
    parts.server = await testServer(parts.tidings, { ...options, ...(settings && { connectorSettings: settings }) });
    await parts.apply(connectorsYaml(parts.lender.url));
    await setSecrets(parts.server);
    parts.worker = connectorWorker(parts.tidings, parts.lender, { log, ...(settings && { environment: settings }) });
  }, 180_000);
  afterAll(async () => {
    await parts.worker?.stop();
    await parts.server?.close();
    await parts.lender?.stop();
    await parts.tidings?.close();
  });
  return parts;
}

/** `connectors.yaml` for the stand-ins: an import that registers cards by `mode`. */
export function connectorsYaml(url: string, cards = UPSTREAM(url), register = 'card_network'): string {
  return `connectors:
  customer_import:
    kind: customer-import
    on: product_status_changed
    when: event.status == "approved"
    url: ${url}
    path: /api/v1/customers/{user_id}
    timeout: 2s
    retry: { attempts: 4, first: 10s, longest: 1m }
    auth: { audience: core }
    traits:
      email: { from: email }
      phone: { from: phone }
      first_name: event.name.first
      time_zone: { from: [time_zone, zone] }
      products: 'event.products.filter(p, p.type in ["loan", "credit"]).map(p, p.type == "loan" ? "LOAN" : "CREDIT")'
    products: { list: { from: products }, id: { from: product_uuid }, product: { from: type }, status: { from: status } }
    toggles: { list: { from: preferences }, type: { from: category }, enabled: { from: enabled }, channel: { from: delivery_method } }
    register_cards: ${register}
  card_network:
${cards}`;
}

export const UPSTREAM = (url: string) => `    kind: card-registration
    mode: upstream
    url: ${url}
    timeout: 1s
    retry: { attempts: 4, first: 10s, longest: 1m }
    auth: { header: X-Avant-Authorization }
`;

/** @param last the hops after that to the account */
export const NETWORK = (url: string, last: string) => `    kind: card-registration
    mode: network
    url: ${url}
    timeout: 1s
    retry: { attempts: 4, first: 10s, longest: 1m }
    auth: { header: X-Avant-Authorization }
    network:
      accounts: { url: ${url}, path: "/accounts/{product_id}", cache: 1h }
      ${last}
`;

/** Replaces connectors.yaml of a catalog. */
export function withConnectors(files: CatalogFiles, yaml: string): CatalogFiles {
  return new Map([...files, ['connectors.yaml', yaml]]);
}

/** Sets the secrets of both connectors. */
export async function setSecrets(server: TestServer): Promise<void> {
  const { shared_key } = LENDER_SECRETS;
  await server.send('PUT', '/api/v1/connectors/customer_import/secrets', { shared_key });
  await server.send('PUT', '/api/v1/connectors/card_network/secrets', LENDER_SECRETS);
}
