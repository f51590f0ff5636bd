import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { checkCatalogFolder } from '../../catalog/check-folder.ts';
import { SUBSTITUTES } from '../../channels/substitutes.ts';
import { type Config, readConfig } from '../../config.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { fail, ok, type Verdict, warn } from './finding.ts';

/** Settings of the commands that call a running Tidings. `readConfig` reads the others. */
const CLIENT_SETTINGS = ['TIDINGS_URL', 'TIDINGS_API_KEY', 'TIDINGS_PROFILE', 'TIDINGS_TENANT'];

const MEGABYTE = 1024 * 1024;
const MIN_FREE_BYTES = 1024 * MEGABYTE;

export interface CheckedConfig {
  readonly config: Config;
  readonly verdict: Verdict;
}

/**
 * Reads the settings as a start does, but creates nothing. Names a setting that no part of Tidings reads.
 * @throws ConfigError
 */
export function checkConfig(env: NodeJS.ProcessEnv, catalogDir: string): CheckedConfig {
  const read = new Set<string>(CLIENT_SETTINGS);
  const isKeyMissing = !env.TIDINGS_ENCRYPTION_KEY && !existsSync(getKeyFile(env));
  const substitute = isKeyMissing ? { TIDINGS_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') } : {};
  const recorded = new Proxy<NodeJS.ProcessEnv>(
    { ...env, ...substitute },
    {
      get(target, name: string) {
        read.add(name);
        return target[name];
      },
    },
  );
  const config = readConfig(recorded, { catalogDir });
  const unknown = Object.keys(env).filter((name) => name.startsWith('TIDINGS_') && !read.has(name));
  if (unknown.length === 0) return { config, verdict: ok('every setting is valid') };
  const hints = unknown.map((name) => {
    const nearest = findNearest(name, read);
    return nearest === undefined ? name : `${name} (did you mean ${nearest}?)`;
  });
  return {
    config,
    verdict: warn(`unknown settings: ${hints.join(', ')}`, 'correct or remove them: they have no effect'),
  };
}

function getKeyFile(env: NodeJS.ProcessEnv): string {
  return join(resolve(env.TIDINGS_DATA_DIR || '.tidings'), 'encryption.key');
}

/** Checks that the encryption key exists, and that only its owner can read it. */
export function checkKeyFile(env: NodeJS.ProcessEnv): Verdict {
  if (env.TIDINGS_ENCRYPTION_KEY) return ok('the encryption key is in TIDINGS_ENCRYPTION_KEY');
  const file = getKeyFile(env);
  if (!existsSync(file)) {
    return warn(
      `no encryption key in ${dirname(file)} yet`,
      'a start creates it; keep a copy of it apart from your dumps',
    );
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    return fail(`${file} can be read by other users of this machine`, `run: chmod 600 ${file}`);
  }
  return ok(`the encryption key is in ${file}`);
}

/** Says which callers the API accepts, and which messages leave the machine. */
export function checkExposure({ host, apiKeys, oidc, providers }: Config): Verdict {
  const callers =
    apiKeys.length === 0 && oidc === null
      ? 'callers on this machine need no key'
      : `callers need a key (${formatCount(apiKeys.length, 'key')} in TIDINGS_API_KEYS)${oidc ? ' or a login' : ''}`;
  const sent = Object.entries(providers).filter(([, provider]) => !SUBSTITUTES[provider]);
  const leaves =
    sent.length > 0
      ? sent.map(([channel, provider]) => `${channel} by ${provider}`).join(', ')
      : 'the installation itself sends no message';
  return ok(`${callers}; HOST is ${host}; ${leaves}`);
}

/** Checks the free space of the data directory, or of the folder that would hold it. */
export async function checkSpace(dataDir: string): Promise<Verdict> {
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bsize, bavail } = await statfs(folder);
  const free = `${Math.round((bsize * bavail) / MEGABYTE)} MiB are free in ${folder}`;
  return bsize * bavail >= MIN_FREE_BYTES
    ? ok(free)
    : warn(free, 'free some space, or set TIDINGS_DATA_DIR to a larger disk');
}

/** Checks that a server can listen on the port. @param isOurs whether Tidings responds there */
export async function checkPortFree({ host, port }: Config, isOurs: boolean): Promise<Verdict> {
  if (isOurs) return ok(`Tidings listens on port ${port}`);
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, 'listening');
    return ok(`port ${port} of ${host} is free`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      return fail(
        `port ${port} of ${host} is in use by another program`,
        'stop that program, or set PORT to a free port',
      );
    }
    return fail(`port ${port} of ${host} cannot be used (${code})`, 'set HOST and PORT to an address of this machine');
  } finally {
    probe.close();
  }
}

/** Checks the catalog folder as `tidings check` does. */
export async function checkCatalogDir(folder: string): Promise<Verdict> {
  const { problems } = await checkCatalogFolder(folder);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const counts = `${formatCount(errors, 'error')}, ${formatCount(problems.length - errors, 'warning')} in ${folder}`;
  if (problems.length === 0) return ok(`no problems in ${folder}`);
  const advice = `to list them, run: npx tidings check ${folder}`;
  return errors > 0 ? fail(counts, advice) : warn(counts, advice);
}

/** Zones with daylight saving time, and without, that every time zone database has. */
const ZONES = ['UTC', 'Europe/Lisbon', 'America/New_York', 'America/Sao_Paulo', 'Asia/Kolkata', 'Australia/Sydney'];

/** Checks that this Node.js knows the time zones that rules name. */
export function checkZones(): Verdict {
  const missing = ZONES.filter((timeZone) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone });
      return false;
    } catch {
      return true;
    }
  });
  const version = process.versions.tz ?? 'unknown';
  if (missing.length > 0) {
    return fail(
      `this Node.js does not know ${missing.join(', ')}`,
      'install a Node.js with full ICU data, as nodejs.org has',
    );
  }
  const year = Number(/^\d{4}/.exec(version)?.[0]);
  const age = new Date().getUTCFullYear() - year;
  if (age > 2) return warn(`time zone data ${version}`, 'update Node.js: countries have changed their clocks since');
  return ok(`time zone data ${version}, Node.js ${process.versions.node}`);
}

/** Names the consumer group of Kafka: two installations in one would each miss messages. */
export function checkKafkaGroup({ group }: NonNullable<Config['kafka']>, isChosen: boolean): Verdict {
  const name = `the consumer group is "${group}"${isChosen ? '' : ', the default'}`;
  return ok(`${name}; another installation on the same brokers needs one of its own (TIDINGS_KAFKA_GROUP)`);
}
