/** A metric, in the conventions of Prometheus: base units, `_total` for counters. docs/metrics.md has the same table; a test compares them. */
export interface MetricDefinition {
  readonly name: `tidings_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence without a full stop. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Whether it has a label `tenant` where TIDINGS_METRICS_TENANTS names tenants. */
  readonly byTenant?: true;
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
  /** Whether one process measures it for all: the others do not have it. */
  readonly ofInstallation?: true;
}

const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SENDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const LATENCIES = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];
const SIZES = [1, 2, 5, 10, 25, 50, 100, 200, 500, 1000];

export const METRICS = {
  events: {
    name: 'tidings_events_total',
    type: 'counter',
    help: 'Events received, by what became of them: accepted, duplicate, rejected or conflict',
    labels: ['status'],
    byTenant: true,
  },
  rejectedEvents: {
    name: 'tidings_events_rejected_total',
    type: 'counter',
    help: 'Events that were not stored, by the code of docs/errors.md',
    labels: ['code'],
  },
  decisions: {
    name: 'tidings_decisions_total',
    type: 'counter',
    help: 'Decisions of rules that were stored, on events and on waits that ended',
    labels: ['outcome', 'reason_code'],
    byTenant: true,
  },
  outboxPublished: {
    name: 'tidings_outbox_published_total',
    type: 'counter',
    help: 'Messages that the brokers of Kafka have acknowledged',
    labels: [],
    byTenant: true,
  },
  outboxFailures: {
    name: 'tidings_outbox_failures_total',
    type: 'counter',
    help: 'Sends to Kafka topics that failed, and messages that were set aside, by cause',
    labels: ['cause'],
  },
  batchSeconds: {
    name: 'tidings_ingest_batch_duration_seconds',
    type: 'histogram',
    help: 'Time in which a micro-batch of events was decided and stored',
    labels: ['result'],
    buckets: SHORT,
  },
  batchEvents: {
    name: 'tidings_ingest_batch_events',
    type: 'histogram',
    help: 'Events in a micro-batch',
    labels: [],
    buckets: SIZES,
  },
  attempts: {
    name: 'tidings_delivery_attempts_total',
    type: 'counter',
    help: 'Attempts to deliver, by what the provider answered',
    labels: ['channel', 'provider', 'outcome'],
  },
  attemptSeconds: {
    name: 'tidings_delivery_attempt_duration_seconds',
    type: 'histogram',
    help: 'Duration of attempts to deliver',
    labels: ['channel', 'provider'],
    buckets: SENDS,
  },
  deliveries: {
    name: 'tidings_deliveries_total',
    type: 'counter',
    help: 'Deliveries that have ended, by an attempt or at a claim (provider none), by their status from then on',
    labels: ['channel', 'provider', 'status'],
    byTenant: true,
  },
  latency: {
    name: 'tidings_delivery_latency_seconds',
    type: 'histogram',
    help: 'Time from the decision until the provider had the message, with what held it, such as quiet hours',
    labels: ['channel', 'priority'],
    buckets: LATENCIES,
  },
  deadLettersMade: {
    name: 'tidings_dead_letters_total',
    type: 'counter',
    help: 'Deliveries that became dead letters, by whose fault it is: recipient, message, account, provider or us',
    labels: ['channel', 'fault'],
  },
  deferrals: {
    name: 'tidings_delivery_deferrals_total',
    type: 'counter',
    help: 'Claimed deliveries that went back to wait, by hold code: rate_limited, account_paused, quiet_hours and others',
    labels: ['channel', 'code'],
  },
  limitedClaims: {
    name: 'tidings_rate_limited_claims_total',
    type: 'counter',
    help: 'Claims that found more due than rate limits allowed',
    labels: [],
  },
  templateErrors: {
    name: 'tidings_template_errors_total',
    type: 'counter',
    help: 'Messages that could not be made from their template',
    labels: ['channel'],
  },
  rescues: {
    name: 'tidings_lease_rescues_total',
    type: 'counter',
    help: 'Deliveries queued again because a lease had expired (of a worker that is gone) or lapsed (in this process)',
    labels: ['kind'],
  },
  requests: {
    name: 'tidings_http_requests_total',
    type: 'counter',
    help: 'Requests answered',
    labels: ['method', 'route', 'status'],
  },
  requestSeconds: {
    name: 'tidings_http_request_duration_seconds',
    type: 'histogram',
    help: 'Time from a request to its response, by area of the API',
    labels: ['area'],
    buckets: SHORT,
  },
  connectionWait: {
    name: 'tidings_database_connection_wait_seconds',
    type: 'histogram',
    help: 'Time for which work waited for a connection of its pool',
    labels: ['pool'],
    buckets: SHORT,
  },
  connectionUse: {
    name: 'tidings_database_connection_use_seconds',
    type: 'histogram',
    help: 'Time for which a connection was in use: for a transaction, or one statement',
    labels: ['pool'],
    buckets: SHORT,
  },
  connectionErrors: {
    name: 'tidings_database_connection_errors_total',
    type: 'counter',
    help: 'Connections that were discarded after an error, or could not be opened',
    labels: ['pool'],
  },
  connections: {
    name: 'tidings_database_connections',
    type: 'gauge',
    help: 'Connections of a pool that are active or idle, and work that is waiting for one',
    labels: ['pool', 'state'],
  },
  connectionsMax: {
    name: 'tidings_database_connections_max',
    type: 'gauge',
    help: 'Connections that a pool may have',
    labels: ['pool'],
  },
  roundTrip: {
    name: 'tidings_database_round_trip_seconds',
    type: 'gauge',
    help: 'Duration of the latest small write with its commit',
    labels: [],
  },
  replicaLag: {
    name: 'tidings_replica_lag_seconds',
    type: 'gauge',
    help: 'How far the replica is behind, at most',
    labels: [],
  },
  replicaRead: {
    name: 'tidings_replica_read',
    type: 'gauge',
    help: '1: the replica answers what it may; 0: the primary does in its place',
    labels: [],
  },
  clockOffset: {
    name: 'tidings_clock_offset_seconds',
    type: 'gauge',
    help: 'How far the clock of this machine is ahead of that of the database; negative: behind',
    labels: [],
  },
  diskFree: {
    name: 'tidings_disk_free_bytes',
    type: 'gauge',
    help: 'Free space of the disk with the embedded PostgreSQL',
    labels: [],
  },
  diskSize: {
    name: 'tidings_disk_size_bytes',
    type: 'gauge',
    help: 'Size of the disk with the embedded PostgreSQL',
    labels: [],
  },
  loopIdle: {
    name: 'tidings_loop_idle_seconds',
    type: 'gauge',
    help: 'Time since a loop of the workers came round',
    labels: ['loop'],
  },
  sourcesStopped: {
    name: 'tidings_sources_stopped',
    type: 'gauge',
    help: '1: this process cannot read the Kafka topics of the sources; 0: it can, or does not try',
    labels: [],
  },
  build: {
    name: 'tidings_build_info',
    type: 'gauge',
    help: 'Always 1; the labels say what runs',
    labels: ['version', 'node'],
  },
  collector: {
    name: 'tidings_collector',
    type: 'gauge',
    help: '1: this process measures the installation for all; 0: another does',
    labels: [],
  },
  collectionErrors: {
    name: 'tidings_collection_errors_total',
    type: 'counter',
    help: 'Measurements of the installation that failed or took too long',
    labels: ['of'],
  },
  queueDepth: {
    name: 'tidings_queue_depth',
    type: 'gauge',
    help: 'Queued deliveries that are due, and those that are due later; counted up to 10000 of each channel and priority',
    labels: ['channel', 'priority', 'state'],
    ofInstallation: true,
  },
  queueAge: {
    name: 'tidings_queue_oldest_age_seconds',
    type: 'gauge',
    help: 'Time for which the oldest queued delivery has been due; 0: none is',
    labels: ['channel', 'priority'],
    ofInstallation: true,
  },
  workDue: {
    name: 'tidings_work_due',
    type: 'gauge',
    help: 'Other work that is due and that no worker has claimed; counted up to 10000 of each queue',
    labels: ['queue'],
    ofInstallation: true,
  },
  workAge: {
    name: 'tidings_work_oldest_age_seconds',
    type: 'gauge',
    help: 'Lag of other work: the time for which the oldest of it has been due; 0: none is',
    labels: ['queue'],
    ofInstallation: true,
  },
  sourceLag: {
    name: 'tidings_source_lag_records',
    type: 'gauge',
    help: 'Records of a Kafka topic that wait to be decided, as last seen in the last 15 minutes, of the 100 topics that are furthest behind',
    labels: ['topic'],
    ofInstallation: true,
  },
  outboxLag: {
    name: 'tidings_outbox_lag_messages',
    type: 'gauge',
    help: 'Messages that wait for a Kafka topic, of the 100 topics for which most wait',
    labels: ['topic'],
    ofInstallation: true,
  },
  outboxAge: {
    name: 'tidings_outbox_oldest_age_seconds',
    type: 'gauge',
    help: 'Time for which the first of them has waited; 0: none waits',
    labels: ['topic'],
    ofInstallation: true,
  },
  outboxParked: {
    name: 'tidings_outbox_parked_messages',
    type: 'gauge',
    help: 'Messages for Kafka topics that were set aside',
    labels: [],
    ofInstallation: true,
  },
  outboxFull: {
    name: 'tidings_outbox_full_topics',
    type: 'gauge',
    help: 'Kafka topics for which nothing more is recorded, because too much waits',
    labels: [],
    ofInstallation: true,
  },
  batches: {
    name: 'tidings_batches',
    type: 'gauge',
    help: 'Batches that have not ended, by state',
    labels: ['state'],
    ofInstallation: true,
  },
  jobs: {
    name: 'tidings_jobs',
    type: 'gauge',
    help: 'Jobs that have not ended, by status',
    labels: ['status'],
    ofInstallation: true,
  },
  connectorTasks: {
    name: 'tidings_connector_tasks',
    type: 'gauge',
    help: 'Tasks of connectors that are open, and that are dead letters; counted up to 10000 of each state',
    labels: ['kind', 'state'],
    ofInstallation: true,
  },
  circuits: {
    name: 'tidings_circuits_open',
    type: 'gauge',
    help: 'Circuits that are not closed: of accounts of the installation, of tenants, and of domains of recipients',
    labels: ['provider', 'of'],
    ofInstallation: true,
  },
  endpoints: {
    name: 'tidings_webhook_endpoints',
    type: 'gauge',
    help: 'Endpoints of webhooks that are active, failing or disabled',
    labels: ['state'],
    ofInstallation: true,
  },
  ourDeadLetters: {
    name: 'tidings_dead_letters_ours',
    type: 'gauge',
    help: 'Stored dead letters that are the fault of Tidings itself; counted up to 1000',
    labels: [],
    ofInstallation: true,
  },
  anomalies: {
    name: 'tidings_volume_anomalies',
    type: 'gauge',
    help: 'Types of notifications and events that are quiet, or have three times their usual volume, of up to 500 tenants; compared once an hour',
    labels: ['kind'],
    ofInstallation: true,
  },
  waitsSetAside: {
    name: 'tidings_waits_set_aside',
    type: 'gauge',
    help: 'Waits that could not be fired and wait for an operator; counted up to 1000',
    labels: [],
    ofInstallation: true,
  },
  partitions: {
    name: 'tidings_partitions',
    type: 'gauge',
    help: 'Partitions of a table',
    labels: ['table'],
    ofInstallation: true,
  },
  partitionsAhead: {
    name: 'tidings_partitions_ahead_seconds',
    type: 'gauge',
    help: 'Time until the last partition of a table ends',
    labels: ['table'],
    ofInstallation: true,
  },
  defaultPartition: {
    name: 'tidings_default_partition_used',
    type: 'gauge',
    help: '1: the default partition of a table has rows, which are to move to partitions of their months',
    labels: ['table'],
    ofInstallation: true,
  },
  databaseSize: {
    name: 'tidings_database_size_bytes',
    type: 'gauge',
    help: 'Size of the database',
    labels: [],
    ofInstallation: true,
  },
  oldestTransaction: {
    name: 'tidings_database_oldest_transaction_seconds',
    type: 'gauge',
    help: 'Age of the oldest transaction that is open in the database',
    labels: [],
    ofInstallation: true,
  },
  transactionIds: {
    name: 'tidings_database_transaction_id_age',
    type: 'gauge',
    help: 'Age of the oldest transaction id that is not frozen, in transactions; PostgreSQL stops at 2 billion',
    labels: [],
    ofInstallation: true,
  },
  serverConnections: {
    name: 'tidings_database_server_connections',
    type: 'gauge',
    help: 'Connections to the PostgreSQL server, of all programs',
    labels: [],
    ofInstallation: true,
  },
  serverConnectionsMax: {
    name: 'tidings_database_server_connections_max',
    type: 'gauge',
    help: 'Connections that the PostgreSQL server accepts',
    labels: [],
    ofInstallation: true,
  },
} as const satisfies { readonly [key: string]: MetricDefinition };

export type MetricKey = keyof typeof METRICS;

/** Returns the labels of a metric. @param hasTenants whether tenants have labels */
export function listLabels({ labels, byTenant }: MetricDefinition, hasTenants: boolean): readonly string[] {
  return byTenant && hasTenants ? [...labels, 'tenant'] : labels;
}
