import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type EmbeddedPostgres, startEmbedded } from '../src/embedded/embedded.ts';

/** Data directory of the tests that do not damage it: creating one takes a second or more. */
let shared: string;
/** Removed after the test. */
const homes: string[] = [];
const begun: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  shared = join(mkdtempSync(join(tmpdir(), 'tidings-embedded-')), 'data');
  const server = await startEmbedded({ dataDir: shared });
  await query(server.url, "create table letters (body text); insert into letters values ('first')");
  await server.stop();
}, 60_000);

afterEach(async () => {
  await Promise.all(begun.splice(0).map((server) => server.stop()));
  for (const child of children.splice(0)) child.kill('SIGKILL');
  endServer(shared);
  for (const home of homes.splice(0)) removeHome(home);
});

afterAll(() => removeHome(join(shared, '..')));

describe('one process', () => {
  test('creates a database that only this user can reach', async () => {
    const dataDir = freshDir();
    const server = await start(dataDir);
    const [row] = await query(server.url, 'select current_user as role, current_database() as database');
    expect(row).toEqual({ role: 'tidings', database: 'tidings' });
    const [settings] = await query(
      server.url,
      `select current_setting('listen_addresses') as tcp, current_setting('fsync') as fsync,
         current_setting('server_encoding') as encoding, (select usesuper from pg_user where usename = current_user) as super`,
    );
    expect(settings).toEqual({ tcp: '', fsync: 'on', encoding: 'UTF8', super: false });
    expect(statSync(join(dataDir, 'socket')).mode & 0o777).toBe(0o700);
  });

  test('writes no statement, value or error text to its log', async () => {
    const dataDir = shared;
    const server = await start(dataDir);
    await expect(query(server.url, "select 'ann@example.com'::int")).rejects.toThrow('ann@example.com');
    await query(server.url, "create table once (email text primary key); insert into once values ('ann@example.com')");
    await expect(query(server.url, "insert into once values ('ann@example.com')")).rejects.toThrow('duplicate key');
    const log = readFileSync(join(dataDir, 'postgres.log'), 'utf8');
    expect(log).toContain('ready to accept connections');
    expect(log).not.toMatch(/example|once/);
  });

  test('uses its settings, and ignores PG variables of the environment', async () => {
    vi.stubEnv('PGPORT', '1');
    vi.stubEnv('PGSSLMODE', 'require');
    try {
      const server = await start(shared, { settings: { work_mem: '12MB' } });
      expect(await query(server.url, 'show work_mem')).toEqual([{ work_mem: '12MB' }]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('stops its server, and finds its data after the next start', async () => {
    const dataDir = shared;
    const server = await start(dataDir);
    await query(server.url, "insert into letters values ('second')");
    await server.stop();
    await server.stop();
    expect(serverPid(dataDir)).toBeUndefined();
    await expect(query(server.url, 'select 1')).rejects.toThrow();
    expect(await letters(await start(dataDir))).toContain('second');
  });

  test('stops despite an open transaction', async () => {
    const dataDir = shared;
    const server = await start(dataDir);
    const client = await open(server.url);
    await client.query("begin; insert into letters values ('never')");
    await server.stop();
    expect(serverPid(dataDir)).toBeUndefined();
    expect(await letters(await start(dataDir))).not.toContain('never');
  });

  test('works in a path that is too long for a socket', async () => {
    const dataDir = join(freshHome(), 'x'.repeat(60), 'y'.repeat(60));
    const server = await start(dataDir);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(server.url).not.toContain('xxx');
    const again = await start(dataDir);
    expect(again.url).toBe(server.url);
    homes.push(new URL(server.url).searchParams.get('host') ?? '');
  });

  test('listens on loopback with a password without Unix sockets', async () => {
    const dataDir = freshDir();
    const server = await start(dataDir, { transport: 'tcp' });
    expect(await query(server.url, 'select current_user as role')).toEqual([{ role: 'tidings' }]);
    const wrong = new URL(server.url);
    expect(wrong.hostname).toBe('127.0.0.1');
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
    await server.stop();
    expect((await start(dataDir, { transport: 'tcp' })).url).toBe(server.url);
  }, 30_000);

  test('rejects data of another major version with a reason', async () => {
    const dataDir = shared;
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '15\n');
    const message = new RegExp(`${dataDir} was written by PostgreSQL 15, and this is PostgreSQL 18`);
    try {
      await expect(startEmbedded({ dataDir })).rejects.toThrow(message);
    } finally {
      writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '18\n');
    }
  });

  test('reports why the server does not start', async () => {
    const dataDir = shared;
    await expect(startEmbedded({ dataDir, settings: { work_mem: 'lots' } })).rejects.toThrow(/work_mem/);
  });
});

describe('several processes', () => {
  test('share one server, which stops with the last of them', async () => {
    const dataDir = shared;
    const first = await start(dataDir);
    const pid = serverPid(dataDir);
    const child = await startChild(dataDir);
    const second = await start(dataDir);
    expect(serverPid(dataDir)).toBe(pid);
    expect(second.url).toBe(first.url);
    await first.stop();
    await second.stop();
    expect(serverPid(dataDir)).toBe(pid);
    await child.stop();
    expect(serverPid(dataDir)).toBeUndefined();
  });

  test('create one database if they start at once in an empty folder', async () => {
    const dataDir = freshDir();
    const [one, two] = await Promise.all([startChild(dataDir), startChild(dataDir), start(dataDir)]);
    expect(one.url).toBe(two.url);
    expect(readdirSync(dataDir).filter((name) => name.startsWith('postgres.new'))).toEqual([]);
    const log = readFileSync(join(dataDir, 'postgres.log'), 'utf8');
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(1);
  }, 30_000);

  test('keep the server for those that run while others start and stop', async () => {
    const dataDir = shared;
    const rounds = Array.from({ length: 6 }, async () => {
      const server = await startEmbedded({ dataDir });
      expect(await letters(server)).toContain('first');
      await server.stop();
    });
    await Promise.all(rounds);
    expect(serverPid(dataDir)).toBeUndefined();
  }, 30_000);
});

describe('after a kill -9', () => {
  test('of its starter, the server keeps running, and the next start attaches to it', async () => {
    const dataDir = shared;
    const child = await startChild(dataDir);
    const pid = serverPid(dataDir);
    await query(child.url, "insert into letters values ('acknowledged')");
    await child.kill();
    const server = await start(dataDir);
    expect(serverPid(dataDir)).toBe(pid);
    expect(await letters(server)).toContain('acknowledged');
    await server.stop();
    expect(serverPid(dataDir)).toBeUndefined();
  });

  test('of starter and server, the next start recovers the data', async () => {
    const dataDir = shared;
    const child = await startChild(dataDir);
    await query(child.url, "insert into letters values ('acknowledged')");
    await child.kill();
    process.kill(serverPid(dataDir) ?? 0, 'SIGKILL');
    expect(await letters(await start(dataDir))).toContain('acknowledged');
  }, 30_000);

  test('during the creation of the database, a partial one is not used', async () => {
    const dataDir = freshDir();
    const child = spawnChild(dataDir);
    await vi.waitFor(() => expect(readdirSync(dataDir).join()).toContain('postgres.new-'), { timeout: 20_000 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await start(dataDir);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 30_000);

  test('of the server under a running process, it restarts with the same URL', async () => {
    const dataDir = shared;
    const log = lines();
    const server = await start(dataDir, { log: log.add });
    const before = serverPid(dataDir) ?? 0;
    process.kill(before, 'SIGKILL');
    await log.said(/restarting it/);
    await log.said(/PostgreSQL 18 started/, 2);
    expect(serverPid(dataDir)).not.toBe(before);
    expect(await letters(server)).toContain('first');
  }, 30_000);

  test('a postmaster.pid with the pid of another program is ignored', async () => {
    const dataDir = shared;
    const socket = join(dataDir, 'socket');
    const stale = `${process.pid}\n${join(dataDir, 'postgres')}\n1\n5432\n${socket}\n\n`;
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), stale, { mode: 0o600 });
    writeFileSync(join(socket, '.s.PGSQL.5432.lock'), stale, { mode: 0o600 });
    expect(await letters(await start(dataDir))).toContain('first');
    expect(serverPid(dataDir)).not.toBe(process.pid);
  });

  test('a server that hangs is replaced', async () => {
    const dataDir = shared;
    const child = await startChild(dataDir);
    await child.kill();
    const hanging = serverPid(dataDir) ?? 0;
    process.kill(hanging, 'SIGSTOP');
    const log = lines();
    // Long enough for a start on a busy machine: the new server must not seem to hang as well.
    const server = await start(dataDir, { answerWithin: 3000, log: log.add });
    await log.said(/does not answer/);
    expect(serverPid(dataDir)).not.toBe(hanging);
    expect(await letters(server)).toContain('first');
  }, 30_000);
});

const isRoot = process.getuid?.() === 0;
const OTHER_UID = 65534;

describe.skipIf(process.platform === 'win32')('users', () => {
  test('a normal user can start the server', async ({ skip }) => {
    skip(!isRoot, 'not root: every other test here shows it already');
    skip(!isOpen(fileURLToPath(import.meta.url)), 'the checkout is in a folder that other users cannot enter');
    const dataDir = freshDir();
    chmodSync(join(dataDir, '..'), 0o755);
    chownSync(dataDir, OTHER_UID, OTHER_UID);
    const child = await startChild(dataDir, { uid: OTHER_UID, gid: OTHER_UID });
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(OTHER_UID);

    // Root attaches to the server of that user, and leaves the files to that user.
    const server = await start(dataDir);
    await query(server.url, 'select 1');
    await child.stop();
    await server.stop();
    const again = await startChild(dataDir, { uid: OTHER_UID, gid: OTHER_UID });
    await again.stop();
  }, 40_000);

  test('a user cannot start it on the data of another user', async ({ skip }) => {
    skip(!isRoot, 'needs root, to make a folder of another user');
    skip(!isOpen(fileURLToPath(import.meta.url)), 'the checkout is in a folder that other users cannot enter');
    const dataDir = shared;
    for (const folder of [join(dataDir, '..'), dataDir, join(dataDir, 'lock')]) chmodSync(folder, 0o777);
    for (const file of readdirSync(join(dataDir, 'lock'))) chmodSync(join(dataDir, 'lock', file), 0o666);
    await expect(startChild(dataDir, { uid: OTHER_UID, gid: OTHER_UID })).rejects.toThrow(
      /belongs to another user \(uid 0\)/,
    );
  });

  test('root without user namespaces runs it as another user, also in a folder that this user cannot enter', async ({
    skip,
  }) => {
    skip(!isRoot, 'needs root');
    const dataDir = freshDir();
    chmodSync(join(dataDir, '..'), 0o700);
    const child = await startChild(dataDir, { without: ['unshare'] });
    expect(statSync(join(dataDir, 'postgres')).uid).not.toBe(0);
    expect(await query(child.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await child.stop();
    // A server with namespaces finds the data of one without.
    expect(await query((await start(dataDir)).url, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 30_000);

  test('root without setpriv and namespaces gets the name of the folder that cannot be entered', async ({ skip }) => {
    skip(!isRoot, 'needs root');
    const dataDir = freshDir();
    chmodSync(join(dataDir, '..'), 0o700);
    const failing = startChild(dataDir, { without: ['unshare', 'setpriv'] });
    await expect(failing).rejects.toThrow(/cannot enter .*Open that folder/);
  });
});

async function start(dataDir: string, more: Partial<Parameters<typeof startEmbedded>[0]> = {}) {
  const server = await startEmbedded({ dataDir, ...more });
  begun.push(server);
  return server;
}

function freshHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'tidings-embedded-'));
  homes.push(home);
  return home;
}

function freshDir(): string {
  const dataDir = join(freshHome(), 'data');
  mkdirSync(dataDir);
  return dataDir;
}

function removeHome(home: string): void {
  endServer(join(home, 'data'));
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Kills the server that a failed test may have left. */
function endServer(dataDir: string): void {
  const pid = serverPid(dataDir);
  const commandLine = `/proc/${pid}/cmdline`;
  if (pid && existsSync(commandLine) && readFileSync(commandLine, 'utf8').includes(dataDir))
    process.kill(pid, 'SIGKILL');
}

interface ChildOptions {
  readonly uid?: number;
  readonly gid?: number;
  /** Programs that are not in its PATH. */
  readonly without?: readonly string[];
}

/** Starts the server in another process. Returns its URL, and a function that stops the process. */
async function startChild(dataDir: string, options: ChildOptions = {}) {
  const child = spawnChild(dataDir, options);
  let complaint = '';
  child.stderr?.on('data', (chunk) => {
    complaint += chunk;
  });
  const said = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const first = await said.next();
  if (first.done) throw new Error(complaint);
  const exited = once(child, 'exit');
  return {
    url: first.value as string,
    async stop() {
      child.stdin?.end();
      expect(await exited).toEqual([0, null]);
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function spawnChild(dataDir: string, { uid, gid, without = [] }: ChildOptions = {}): ChildProcess {
  const code = `
    import { startEmbedded } from ${JSON.stringify(new URL('../src/embedded/embedded.ts', import.meta.url).href)};
    const server = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(server.url);
    process.stdin.resume().on('end', () => server.stop());`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ...(without.length > 0 ? { PATH: pathWithout(without) } : {}) },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  children.push(child);
  return child;
}

/** A folder of links to every program of the PATH but these. */
function pathWithout(programs: readonly string[]): string {
  const folder = freshHome();
  chmodSync(folder, 0o755);
  for (const place of (process.env.PATH ?? '').split(delimiter).filter((path) => existsSync(path))) {
    for (const name of readdirSync(place)) {
      const link = join(folder, name);
      if (!programs.includes(name) && !existsSync(link)) symlinkSync(join(place, name), link);
    }
  }
  return folder;
}

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Tests take the server away under it.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await open(url);
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function letters(server: EmbeddedPostgres): Promise<unknown[]> {
  return (await query(server.url, 'select body from letters')).map((row) => row.body);
}

/** The pid that the server of this data directory wrote down; undefined when it has ended in order. */
function serverPid(dataDir: string): number | undefined {
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
}

/** Whether any user can get at this file. */
function isOpen(path: string): boolean {
  for (let at = path; ; at = join(at, '..')) {
    if ((statSync(at).mode & 0o005) !== (statSync(at).isDirectory() ? 0o005 : 0o004)) return false;
    if (at === '/') return true;
  }
}

function lines() {
  const all: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    add(line: string) {
      all.push(line);
      for (const wake of waiting.splice(0)) wake();
    },
    async said(pattern: RegExp, times = 1) {
      while (all.filter((line) => pattern.test(line)).length < times) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}
