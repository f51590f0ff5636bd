import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { ReceiptAccounts } from '../accounts/receipt-accounts.ts';
import type { CatalogCache } from '../catalog/cache.ts';
import type { InstallationProviders } from '../delivery/account-states.ts';
import type { OpenCircuit } from '../delivery/open-circuit.ts';
import type { Health } from '../health/health.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { OidcSettings } from '../members/oidc-login.ts';
import type { ConnectorSettings } from '../model/connector.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import type { Seal } from '../privacy/seal.ts';
import type { MetricPeriods } from '../store/metrics/counters.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import type { WriteMetrics } from '../telemetry/telemetry.ts';

/** Services and settings that the routes use. */
export interface HttpDependencies {
  readonly pipeline: Pipeline;
  /** For everything but ingest: a slow read does not keep an event waiting. */
  readonly database: TenantDatabase;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly apiKeys: readonly string[];
  /** URL under which browsers reach the console; null: that of the server itself. */
  readonly publicUrl: string | null;
  /** Returns the URL of the links that readers of messages follow; null: there is no URL for them. Absent: the public URL. */
  readonly readerUrl?: () => string | null;
  /** OpenID provider of the members who log in to the console; null: no login by one. */
  readonly oidc: OidcSettings | null;
  /** For URLs that tenants chose. */
  readonly outbound: GuardedClient;
  /** For the services of connectors; absent: `outbound`, which the operator has allowed nothing more. */
  readonly connectorClient?: GuardedClient;
  /** Settings of connectors from the environment; absent: it has no such variables. */
  readonly connectorSettings?: ConnectorSettings;
  /** Database in which to listen for changes of keys; absent: those by other processes are noticed within half a minute. */
  readonly databaseUrl?: string;
  /** Requests per minute of a key without a limit of its own; absent: 6000. */
  readonly perMinute?: number;
  /** Bound of the kept responses of a tenant in bytes; absent: MAX_TENANT_KEPT_BYTES. */
  readonly maxKeptBytes?: number;
  /** Origins whose pages may call /api/v1/me with the token of a user; `*`: every origin. Absent: none. */
  readonly allowedOrigins?: readonly string[];
  /** Folder of the built elements. Absent: none are served. */
  readonly elementsDir?: string;
  /** Proxies whose `x-forwarded-for` is believed: addresses and networks (CIDR); absent: none. */
  readonly trustedProxies?: readonly string[];
  readonly log: Logger;
  /** Folder of the built console. If it does not exist, no console is served. */
  readonly consoleDir: string;
  readonly state: {
    /** True until the catalog is applied: requests are answered with `unavailable`. */
    readonly starting?: boolean;
    readonly stopping: boolean;
  };
  /** Accounts whose providers report on messages; absent: none does. */
  readonly receiptAccounts?: ReceiptAccounts;
  /** Channels whose messages leave this machine by a provider of the installation; absent: none. */
  readonly leaving?: ReadonlySet<Channel>;
  readonly installation: InstallationProviders;
  readonly health: Health;
  /** Periods for which sums of metrics are kept; absent: the usual ones. */
  readonly metricPeriods?: MetricPeriods;
  /** Absent or null: metrics are off. */
  readonly writeMetrics?: WriteMetrics | null;
  /** Tenant of the installation, whose catalog a directory may hold; absent: `default`. */
  readonly tenant?: string;
  /** Settings of Kafka, and the tenant of the installation; absent or null: it is not configured. */
  readonly kafka?: { readonly settings: Pick<KafkaSettings, 'allowed'>; readonly tenant: string } | null;
  /** Bounds of streams; absent: those of inbox-streams.ts and change-streams.ts. */
  readonly streams?: StreamBounds;
  /** Returns the circuits of the workers of this process that are not closed; absent: it runs no workers, and reads them from the database. */
  readonly listOpenCircuits?: (tenantId?: string) => readonly OpenCircuit[];
}

/** Interval of heartbeats in ms, pause in ms between looks for changes, and streams of this process at most. */
export interface StreamBounds {
  readonly heartbeat?: Millis;
  readonly look?: Millis;
  readonly maxStreams?: number;
}

/** Fastify, typed so that the handlers of a route see the types of its zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
