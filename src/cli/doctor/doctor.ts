import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { startEmbedded } from '../../embedded/embedded.ts';
import { ROOT } from '../../lib/package-root.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { openPool } from '../../store/pg/pool.ts';
import { EXIT_FAILURE } from '../exit-codes.ts';
import { getBaseUrl } from '../operation/api-client.ts';
import { color } from '../output/color.ts';
import { escapeTerminal } from '../output/escape-terminal.ts';
import { withProfile } from '../profiles/use-profile.ts';
import { checkInstallation } from './account-checks.ts';
import { checkDatabase } from './database-checks.ts';
import { openDnsLookup } from './dns-lookup.ts';
import { type Finding, type FindingStatus, fail, ok, runCheck, warn } from './finding.ts';
import {
  checkCatalogDir,
  checkConfig,
  checkExposure,
  checkKafkaGroup,
  checkKeyFile,
  checkPortFree,
  checkSpace,
  checkZones,
} from './local-checks.ts';
import { checkPublicUrl } from './public-url.ts';
import { checkSenders, type SenderAccount } from './sender-checks.ts';
import { checkServer } from './server-check.ts';

const EXAMPLE_CATALOG = join(ROOT, 'examples', 'fintech');

/** Timeouts (ms) of each statement: a check never waits for long. */
const TIMEOUTS = { query: 10_000, statement: 9000, lock: 2000, idleInTransaction: 5000 };

/** Adds the command `doctor`. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check the configuration, the database, the catalog and the server, with advice; change nothing')
    .option('--json', 'print one line of JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await examine(process.env);
      const count = (status: FindingStatus) => findings.filter((finding) => finding.status === status).length;
      const failed = count('fail');
      if (failed > 0) process.exitCode = EXIT_FAILURE;
      if (json) {
        console.log(JSON.stringify({ ok: failed === 0, failed, warnings: count('warn'), checks: findings }));
        return;
      }
      for (const line of findings.flatMap(formatFinding)) console.log(line);
      console.log(`${count('ok')} ok, ${formatCount(count('warn'), 'warning')}, ${failed} failed`);
    });
}

/** Runs every check. One that cannot run because of another is skipped, and says so. */
async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const findings: Finding[] = [];
  let config: Config | undefined;
  findings.push(
    await runCheck('configuration', () => {
      const checked = checkConfig(env, EXAMPLE_CATALOG);
      config = checked.config;
      return checked.verdict;
    }),
    await runCheck('time zones', checkZones),
  );
  const server = await examineServer(env);
  if (config === undefined) {
    const skipped = ['encryption key', 'access', 'disk', 'port', 'catalog', 'providers', 'public URL', 'database'].map(
      (check) => skip(check, 'configuration'),
    );
    return [...findings, ...server, ...skipped];
  }
  const { dataDir, catalogDir, port } = config;
  const checked = config;
  const senders: SenderAccount[] = [];
  const addSender = (sender: SenderAccount) => senders.push(sender);
  const installation = await checkInstallation(checked, addSender);
  const database = await examineDatabase(checked, addSender);
  const isOurs = server[0]?.status === 'ok' && isLocal(env, port);
  return [
    ...findings,
    await runCheck('encryption key', () => checkKeyFile(env)),
    await runCheck('access', () => checkExposure(checked)),
    await runCheck('disk', () => checkSpace(dataDir)),
    await runCheck('port', () => checkPortFree(checked, isOurs)),
    await runCheck('catalog', () => checkCatalogDir(catalogDir)),
    ...(await examineKafka(checked, env)),
    ...installation,
    await runCheck('public URL', () => checkPublicUrl(checked.publicUrl, sendsOut(checked) || senders.length > 0)),
    ...(await checkSenders(senders, openDnsLookup())),
    ...database,
    ...server,
  ];
}

async function examineKafka({ kafka }: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  if (!kafka) return [];
  return [await runCheck('Kafka', () => checkKafkaGroup(kafka, Boolean(env.TIDINGS_KAFKA_GROUP)))];
}

async function examineServer(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  try {
    const chosen = withProfile(env);
    return await checkServer(getBaseUrl(chosen), Boolean(chosen.TIDINGS_URL));
  } catch (error) {
    const advice = 'correct TIDINGS_URL or the profile';
    return [{ check: 'server', ...fail((error as Error).message, advice) }];
  }
}

/** Whether a provider of the installation sends messages to users. */
function sendsOut({ chosenBy }: Config): boolean {
  return Object.keys(chosenBy).length > 0;
}

/** Whether the server that was asked is the one of PORT. */
function isLocal(env: NodeJS.ProcessEnv, port: number): boolean {
  const url = new URL(getBaseUrl(withProfile(env)));
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname) && Number(url.port || 80) === port;
}

async function examineDatabase(config: Config, addSender: (sender: SenderAccount) => void): Promise<Finding[]> {
  const isEmbedded = config.databaseUrl === null;
  if (isEmbedded && !existsSync(join(config.dataDir, 'postgres'))) {
    const detail = `no database in ${config.dataDir} yet`;
    return [{ check: 'database', ...warn(detail, 'npm start creates it; or set TIDINGS_DATA_DIR or DATABASE_URL') }];
  }
  let embedded: Awaited<ReturnType<typeof startEmbedded>> | undefined;
  try {
    const started = await runCheck('database', async () => {
      if (isEmbedded) embedded = await startEmbedded({ dataDir: config.dataDir });
      return ok('');
    });
    if (started.status !== 'ok') return [{ ...started, advice: `see ${join(config.dataDir, 'postgres.log')}` }];
    const url = embedded?.url ?? config.directDatabaseUrl ?? (config.databaseUrl as string);
    const apiUrl = embedded?.apiUrl ?? config.apiDatabaseUrl;
    const pool = openPool(url, { max: 2, name: 'tidings doctor', timeouts: TIMEOUTS });
    try {
      const reached = await runCheck('database', async () => {
        await pool.query('select 1');
        return ok(isEmbedded ? `the embedded PostgreSQL in ${config.dataDir} responds` : 'PostgreSQL responds');
      });
      if (reached.status === 'ok') return [reached, ...(await checkDatabase({ pool, url, apiUrl, config, addSender }))];
      const advice = 'check that it runs, and the host, port, user, password and database of DATABASE_URL';
      return [{ ...reached, advice }, skip('version, schema, roles, tenants, partitions', 'database')];
    } finally {
      await pool.end();
    }
  } finally {
    await embedded?.stop();
  }
}

function skip(check: string, failed: string): Finding {
  return { check, status: 'skip', detail: `not checked: see ${failed}` };
}

const STYLES: { readonly [status in FindingStatus]: Parameters<typeof color>[0] } = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'gray',
};

const CHECK_WIDTH = 16;

function formatFinding({ check, status, detail, advice }: Finding): string[] {
  const line = `${color(STYLES[status], status.padEnd(4))}  ${escapeTerminal(`${check.padEnd(CHECK_WIDTH)}  ${detail}`)}`;
  return advice === undefined ? [line] : [line, `${' '.repeat(8 + CHECK_WIDTH)}${escapeTerminal(advice)}`];
}
