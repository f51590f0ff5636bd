/**
 * Connections of one process to PostgreSQL at most, by what they serve: none waits for another. Ingest decides events, waits
 * and schedules; requests read and change everything else of a tenant, and installation what is not of one; work claims,
 * settles and renews leases; health is for probes. The listener is that of all channels of NOTIFY; the dump is the scheduled one.
 * Direct ones exist behind a pooler in transaction mode alone, for what has a session's lock, and the one that follows a replica
 * with one alone.
 */
export const MAX_CONNECTIONS = {
  ingest: 10,
  requests: 6,
  installation: 2,
  work: 6,
  health: 2,
  heartbeat: 1,
  listener: 1,
  dump: 2,
  direct: 2,
  replica: 1,
} as const;

/** Connections of one process to a replica, at most: of each of its two logins, beside two that look how far it is. */
export const MAX_REPLICA_CONNECTIONS = 4;

/** All connections of one process, at most; behind a pooler, those to the server are its affair. */
export const PROCESS_CONNECTIONS =
  Object.values(MAX_CONNECTIONS).reduce((sum, count) => sum + count, 0) -
  MAX_CONNECTIONS.direct -
  MAX_CONNECTIONS.replica;
