import { randomBytes } from 'node:crypto';
import { type Debugger, Session } from 'node:inspector/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import pino from 'pino';
import { executedLines } from './executed-lines.ts';

/**
 * Runs the whole program under coverage, posts one event over HTTP and waits until its message is sent. Prints, as JSON,
 * the number of lines of each file in src/ that were executed meanwhile. Argument: the URL of a migrated database.
 */

const [databaseUrl = ''] = process.argv.slice(2);
const SOURCE = new URL('../../src/', import.meta.url).href;

/** Sends that begin within a second share one timer (src/delivery/deadlines.ts): the measured one makes its own. */
const SHARED_DEADLINE_MS = 1000;

/** Time for the worker to find that nothing is left to do. */
const WORKER_SETTLED_MS = 300;

const session = new Session();
session.connect();
const scripts = new Map<string, Debugger.ScriptParsedEventDataType>();
session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params));
await session.post('Debugger.enable');
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

// Imported after coverage has started: V8 counts the blocks of a function only if it was compiled while coverage was on.
const { readConfig } = await import('../../src/config.ts');
const { run } = await import('../../src/main.ts');
const config = readConfig(
  {
    DATABASE_URL: databaseUrl,
    PORT: '0',
    TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    TIDINGS_PROVIDERS: 'email=noop',
    TIDINGS_WATCH: 'false',
    // Workers act when they are notified, and at no other time.
    TIDINGS_POLL: '1h',
    TIDINGS_LEASE: '1h',
  },
  { catalogDir: fileURLToPath(new URL('../../examples/fintech', import.meta.url)) },
);
const tidings = await run({ api: true, workers: true }, config, pino({ level: 'silent' }));
const database = new pg.Client({ connectionString: databaseUrl });
await database.connect();

// The first event initializes what is made once. The second is sent from where the first has left everything.
await sendWelcome('first');
await sendWelcome('second');
await pause(SHARED_DEADLINE_MS);
await session.post('Profiler.takePreciseCoverage');
await sendWelcome('measured');
const { result } = await session.post('Profiler.takePreciseCoverage');
const files: { [file: string]: number } = {};
for (const { scriptId, url, functions } of result) {
  if (!url.startsWith(SOURCE)) continue;
  const { scriptSource } = await session.post('Debugger.getScriptSource', { scriptId });
  const lines = executedLines(scriptSource, scripts.get(scriptId)?.sourceMapURL ?? '', functions);
  if (lines.size > 0) files[url.slice(SOURCE.length)] = lines.size;
}
console.log(JSON.stringify(files));

session.disconnect();
await database.end();
await tidings.stop();

/** Posts a sign-up; resolves when the email that it causes is sent and the worker is idle again. */
async function sendWelcome(userId: string): Promise<void> {
  const response = await fetch(`${tidings.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      event_id: `sign-up of ${userId}`,
      user_id: userId,
      event_type: 'signup_completed',
      event_timestamp: new Date().toISOString(),
      properties: { device_type: 'mobile', signup_method: 'email' },
      user_traits: { email: `${userId}@example.com`, marketing_opt_in: true, country: 'PT' },
    }),
  });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  for (let status = ''; status !== 'sent'; ) {
    await pause(20);
    const { rows } = await database.query('select status from deliveries where user_id = $1', [userId]);
    status = rows[0]?.status;
  }
  await pause(WORKER_SETTLED_MS);
}
