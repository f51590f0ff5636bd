/* Settings of the embedded server, for one small machine that also runs Tidings. */
import { totalmem } from 'node:os';
import type { Listen } from './address.ts';

const MEGABYTE = 1024 * 1024;

/** Returns the text of `postgresql.conf`; `changes` override the defaults. */
export function toServerConfig(listen: Listen, changes: { readonly [name: string]: string } = {}): string {
  const settings = { ...getDefaults(listen, getMemoryBytes() / MEGABYTE), ...changes };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `# Written by Tidings at each start. ALTER SYSTEM and the settings given to Tidings are the way to change it.\n${lines.join('\n')}\n`;
}

/** Returns the memory of the machine or the limit of the container, in bytes. */
function getMemoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

function getDefaults(listen: Listen, memory: number): { [name: string]: string } {
  return {
    listen_addresses: listen.socketDir ? '' : '127.0.0.1',
    port: String(listen.port),
    unix_socket_directories: listen.socketDir ?? '',
    unix_socket_permissions: '0700',
    password_encryption: 'scram-sha-256',
    max_connections: '200',
    // Batches hold an advisory lock per user; the default lock table overflows between 10,000 and 15,000 locks.
    max_locks_per_transaction: '256',

    // The pages that events of several months touch at random (the ends of indexes) must fit, or cost grows with history.
    shared_buffers: `${Math.round(Math.min(1024, Math.max(32, memory / 16)))}MB`,
    effective_cache_size: `${Math.round(memory / 2)}MB`,
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    random_page_cost: '1.1',
    // For short statements on few cores, JIT compilation and parallel workers cost more than they save.
    jit: 'off',
    max_parallel_workers_per_gather: '0',

    // Acknowledged data survives a power failure. Never relax these three for speed.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    wal_compression: 'on',
    min_wal_size: '256MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',

    // The deliveries table is a queue: rows are updated a few times and soon become dead.
    autovacuum_naptime: '15s',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.05',
    autovacuum_vacuum_cost_limit: '2000',
    // Growing tables are analyzed repeatedly, a tenth of PostgreSQL's work per event, while the plans do not depend on the
    // statistics.
    default_statistics_target: '10',

    // Statements, details and error messages may contain addresses, and the client receives them anyway, so only server
    // events are logged.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_statement: 'none',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',

    timezone: 'UTC',
    lc_messages: 'C',
    default_text_search_config: 'pg_catalog.simple',
  };
}
