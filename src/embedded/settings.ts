/** How the embedded server is set up: for one small machine that runs Tidings beside it. */
import { totalmem } from 'node:os';
import type { Listen } from './address.ts';

const MEGABYTE = 1024 * 1024;

/** The text of `postgresql.conf`. `changes` win, name by name. */
export function serverSettings(listen: Listen, changes: { readonly [name: string]: string } = {}): string {
  const settings = { ...defaults(listen, memory() / MEGABYTE), ...changes };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `# Written by Tidings at each start. ALTER SYSTEM and the settings given to Tidings are the way to change it.\n${lines.join('\n')}\n`;
}

/** In bytes: the machine's, or what the container is allowed. */
function memory(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

function defaults(listen: Listen, memory: number): { [name: string]: string } {
  return {
    listen_addresses: listen.socketDir ? '' : '127.0.0.1',
    port: String(listen.port),
    unix_socket_directories: listen.socketDir ?? '',
    unix_socket_permissions: '0700',
    password_encryption: 'scram-sha-256',
    max_connections: '200',
    // Batches hold an advisory lock per person; the default table overflows between 10,000 and 15,000 of them.
    max_locks_per_transaction: '256',

    // What events of months touch at random (the ends of their indexes) must fit, or cost grows with history.
    shared_buffers: `${Math.round(Math.min(1024, Math.max(32, memory / 16)))}MB`,
    effective_cache_size: `${Math.round(memory / 2)}MB`,
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    random_page_cost: '1.1',
    // Short statements on few cores: compiling them, or starting helpers for them, costs more than it saves.
    jit: 'off',
    max_parallel_workers_per_gather: '0',

    // What was acknowledged survives a power cut. Never loosen these three for speed.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    wal_compression: 'on',
    min_wal_size: '256MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',

    // The delivery table is a queue: rows are updated a few times each and die young.
    autovacuum_naptime: '15s',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.05',
    autovacuum_vacuum_cost_limit: '2000',
    // Tables that grow are analysed again and again, a tenth of what PostgreSQL does for an event; our plans are the same
    // whatever is found.
    default_statistics_target: '10',

    // Statements, details and error messages can hold addresses, and the caller gets them anyway: only the server's
    // own life is logged.
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
