import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { type Cable, cableTo } from './cable.ts';

/** A server of PostgreSQL of its own, with the connections of a superuser. */
export interface Server {
  readonly url: string;
  readonly admin: pg.Pool;
  stop(): Promise<void>;
}

export interface ReplicatedServers {
  readonly primary: Server;
  readonly replica: Server;
  /** The way to the replica that the program has. */
  readonly cable: Cable;
  stop(): Promise<void>;
}

/** Nothing of them has to survive the machine. */
const SETTINGS = { fsync: 'off', shared_buffers: '64MB', wal_keep_size: '256MB' };

async function startServer(dataDir: string, settings: { readonly [name: string]: string }): Promise<Server> {
  const embedded = await startEmbedded({ dataDir, settings });
  const admin = openPool(`${embedded.url}&user=postgres`, { max: 4, name: 'test' });
  return {
    url: embedded.url,
    admin,
    async stop() {
      await admin.end();
      await embedded.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'replicated-'));

/** Starts a server that has nothing to do with others. */
export const startAlone = (): Promise<Server> => startServer(newFolder(), SETTINGS);

/** Starts a server and a streaming replica of it. */
export async function startReplicated(): Promise<ReplicatedServers> {
  const [home, copy] = [newFolder(), newFolder()];
  const primary = await startServer(home, SETTINGS);
  await copyCluster(primary, join(home, 'postgres'), join(copy, 'postgres'));
  const { hostname, port, searchParams } = new URL(primary.url);
  const host = searchParams.get('host') ?? hostname;
  const replica = await startServer(copy, {
    ...SETTINGS,
    primary_conninfo: `host=${host} port=${port} user=postgres`,
    // Reads that conflict with the replay are cancelled at once.
    max_standby_streaming_delay: '0',
    wal_receiver_status_interval: '1s',
  });
  const cable = await cableTo(replica.url);
  return {
    primary,
    replica,
    cable,
    async stop() {
      cable.cut();
      await replica.stop();
      await primary.stop();
    },
  };
}

/** Copies the files of a server that goes on, as its documentation has it: "Making a Base Backup Using the Low Level API". */
async function copyCluster({ admin }: Server, from: string, to: string): Promise<void> {
  const session = await admin.connect();
  try {
    await session.query(`select pg_backup_start('replica', true)`);
    mkdirSync(to, { mode: 0o700 });
    const log = join(from, 'pg_wal');
    cpSync(from, to, {
      recursive: true,
      filter: (path) => !path.startsWith(`${log}/`) && !/postmaster\.(pid|opts)$/.test(path),
    });
    const { rows } = await session.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    writeFileSync(join(to, 'backup_label'), rows[0]?.labelfile ?? '');
    writeFileSync(join(to, 'standby.signal'), '');
  } finally {
    session.release();
  }
}
