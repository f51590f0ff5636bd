import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { readPidFile } from '../../../src/embedded/address.ts';
import type { Latencies } from './load.ts';

/** A point of the plot, with the second of the soak at which it was so. */
export interface Sample {
  readonly at: number;
  /** Resident memory in MB, by process; what cannot be read is left out. */
  readonly memory: { readonly [process: string]: number };
  /** In ms; null: nothing came. */
  readonly ingest: Percentiles | null;
  readonly send: Percentiles | null;
  /** A second. */
  readonly events: number;
  readonly messages: number;
  /** In MB with indexes, by table; empty: the database was away. */
  readonly sizes: { readonly [table: string]: number };
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export function toPercentiles(values: Latencies['ingest']): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  return { p50: at(0.5), p99: at(0.99) };
}

/** Returns the resident memory of a process in MB; undefined: it is gone, or this is no Linux. */
export function readMemory(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kb === undefined ? undefined : Math.round(Number(kb) / 1024);
  } catch {
    return undefined;
  }
}

/** Returns the memory of the server and its sessions in MB: what they share counts once. */
export function readDatabaseMemory(dataDir: string): number | undefined {
  const parent = readPidFile(join(dataDir, 'postgres'))?.pid;
  if (parent === undefined) return undefined;
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOf(Number(name), parent));
    const kb = pids.reduce((sum, pid) => {
      const [, pss] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
      return sum + Number(pss ?? 0);
    }, 0);
    return Math.round(kb / 1024);
  } catch {
    return undefined;
  }
}

function isOf(pid: number, parent: number): boolean {
  if (pid === parent) return true;
  try {
    const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(ppid) === parent;
  } catch {
    return false;
  }
}

/** Tables that are shown by themselves; the others are one. */
const SHOWN = ['events', 'event_ids', 'users', 'notifications', 'deliveries', 'messages', 'limit_uses'];

/** Returns the sizes of tables in MB, partitions with their table. */
export async function readSizes(pool: pg.Pool): Promise<Sample['sizes']> {
  const { rows } = await pool.query<{ name: string; bytes: number }>(
    `select coalesce(parent.relname, c.relname) as name, sum(pg_total_relation_size(c.oid))::bigint as bytes
     from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid left join pg_class as parent on parent.oid = i.inhparent
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by 1`,
  );
  const sizes: { [table: string]: number } = {};
  for (const { name, bytes } of rows) {
    const shown = SHOWN.includes(name) ? name : 'other';
    sizes[shown] = (sizes[shown] ?? 0) + bytes / 1024 / 1024;
  }
  return Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, Math.round(size * 10) / 10]));
}
