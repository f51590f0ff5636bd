import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cableTo } from './cable.ts';

/** Returns the path of PgBouncer; undefined if it is not installed. */
export function findPgBouncer(): string | undefined {
  return ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find((path) => existsSync(path));
}

const UNPRIVILEGED_UID = 65_534;

export interface PgBouncer {
  readonly url: string;
  stop(): void;
}

/** Starts PgBouncer on a free port in front of a database, as its documentation recommends for session settings. */
export async function startPgBouncer(
  databaseUrl: string,
  mode: 'session' | 'transaction' | 'statement',
): Promise<PgBouncer> {
  // It does not run as root, and the socket of the server is open to its owner only.
  const cable = await cableTo(databaseUrl);
  const target = new URL(cable.url);
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  chmodSync(folder, 0o777);
  const port = await findFreePort();
  const database = target.pathname.slice(1);
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(join(folder, 'users.txt'), `"${target.username}" ""\n`);
  writeFileSync(
    settings,
    `[databases]
${database} = host=127.0.0.1 port=${target.port} dbname=${database} auth_user=${target.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users.txt')}
auth_query = select rolname::text, ''::text from pg_roles where rolname = $1
pool_mode = ${mode}
default_pool_size = 60
max_client_conn = 200
`,
  );
  const user = process.getuid?.() === 0 ? { uid: UNPRIVILEGED_UID } : {};
  const child = spawn(findPgBouncer() as string, [settings], { stdio: 'ignore', ...user });
  const url = `postgres://${target.username}@127.0.0.1:${port}/${database}`;
  for (let tries = 0; !(await canConnect(port)); tries++) {
    if (tries > 100 || child.exitCode !== null) throw new Error('PgBouncer did not start');
    await pause(50);
  }
  return {
    url,
    stop() {
      child.kill('SIGKILL');
      cable.cut();
    },
  };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
