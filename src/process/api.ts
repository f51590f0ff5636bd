import { join } from 'node:path';
import { openReceiptAccounts } from '../accounts/find-receipt-account.ts';
import type { Provider } from '../channels/provider.ts';
import { nameProviders } from '../delivery/account-states.ts';
import type { OpenCircuit } from '../delivery/open-circuit.ts';
import type { Health } from '../health/health.ts';
import { listen } from '../http/listen.ts';
import { ROOT } from '../lib/package-root.ts';
import type { Channel } from '../model/delivery.ts';
import { toMetricPeriods } from '../store/metrics/counters.ts';
import { MAX_CONNECTIONS } from '../store/pg/connections.ts';
import { openTenantDatabase } from '../store/pg/open-tenant-database.ts';
import { checkSessions } from '../store/pg/pooler.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import type { WriteMetrics } from '../telemetry/telemetry.ts';
import { logShared } from './log-changes.ts';
import type { Parts } from './parts.ts';

const ELEMENTS = join(ROOT, 'packages', 'inbox', 'dist');
const CONSOLE = join(ROOT, 'packages', 'console', 'dist');
/** Time in ms that a stop waits for requests under way; then their connections are closed. */
const MAX_LAST_REQUESTS_MS = 3000;

/** Opens the connections of the API, each of which sees one tenant. */
export async function openApiDatabase({ config, log, cleanup, database, seal }: Parts): Promise<TenantDatabase> {
  const { url, directUrl, isPooled, embedded, pools, open, replica } = database;
  if (!embedded && config.apiDatabaseUrl && !isPooled) {
    await checkSessions(config.apiDatabaseUrl, 'TIDINGS_API_DATABASE_URL');
  }
  const opened = await openTenantDatabase(
    open('installation'),
    {
      url,
      apiUrl: embedded?.apiUrl ?? config.apiDatabaseUrl,
      directUrl: isPooled ? directUrl : null,
      seal,
      migrates: config.migrates,
    },
    { max: MAX_CONNECTIONS.requests, name: 'tidings requests', onShared: logShared(log), replica },
  );
  const { requests } = opened;
  cleanup.push(() => requests.end());
  pools.push(requests);
  return opened;
}

export interface ApiOptions {
  readonly database: TenantDatabase;
  readonly health: Health;
  /** Null: metrics are off. */
  readonly writeMetrics: WriteMetrics | null;
  /** Channels whose messages leave this machine by a provider of the installation. */
  readonly leaving: ReadonlySet<Channel>;
  /** Providers of the installation. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly state: { readonly starting: boolean; readonly stopping: boolean };
  /** Absent: this process has no workers. */
  readonly listOpenCircuits?: (tenantId?: string) => readonly OpenCircuit[];
}

/** Serves HTTP. Returns the URL. */
export async function serveApi(parts: Parts, { providers, ...options }: ApiOptions): Promise<string> {
  const { config, log, cleanup, clock, seal, catalogs, pipeline, readerUrl } = parts;
  const { apiKeys, keyRate, trustedProxies, publicUrl, oidc } = config;
  // Loaded lazily: a process with workers only starts in half the time without it.
  const { buildServer } = await import('../http/server.ts');
  const outbound = await parts.openClient();
  cleanup.push(() => outbound.close());
  const server = await buildServer({
    pipeline,
    catalogs,
    seal,
    clock,
    apiKeys,
    publicUrl,
    readerUrl,
    oidc,
    outbound,
    connectorClient: outbound.exempting(config.connectors.servers),
    connectorSettings: config.connectors,
    receiptAccounts: openReceiptAccounts({ pool: options.database.owner, seal, installation: config }),
    databaseUrl: parts.database.directUrl,
    perMinute: keyRate,
    trustedProxies,
    metricPeriods: toMetricPeriods(config.retention),
    allowedOrigins: config.allowedOrigins,
    elementsDir: ELEMENTS,
    log,
    kafka: config.kafka && { settings: config.kafka, tenant: config.tenant },
    tenant: config.tenant,
    consoleDir: CONSOLE,
    installation: nameProviders(providers),
    ...options,
  });
  cleanup.push(async () => {
    // A slow client must not prevent the other parts from stopping.
    const deadline = setTimeout(() => server.server.closeAllConnections(), MAX_LAST_REQUESTS_MS);
    await server.close();
    clearTimeout(deadline);
    await pipeline.drain();
  });
  return listen(server, config.host, config.port);
}
