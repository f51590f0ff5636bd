/**
 * Runs the API or the workers of Tidings, as `tidings api` and `tidings workers` do, but with stand-ins on this machine in the
 * place of providers and endpoints, which no setting allows. The only argument is the role.
 */
import pino from 'pino';
import { readConfig } from '../../../src/config.ts';
import { GuardedClient } from '../../../src/http-out/guarded-client.ts';

const MAX_CONNECTIONS = 256;
const RETRY_MS = 300;
const MAX_WAIT_MS = 30_000;

const local = new GuardedClient(({ hostname }) => hostname === '127.0.0.1', MAX_CONNECTIONS);
for (const name of ['findFault', 'findServerFault', 'getLookup', 'send', 'download'] as const) {
  Object.defineProperty(GuardedClient.prototype, name, { value: local[name].bind(local) });
}

// Behind the change: what it imports makes clients.
const { run } = await import('../../../src/main.ts');
const role = process.argv[2];
const config = readConfig(process.env, { catalogDir: '.' });
const log = pino({ level: config.logLevel, base: null }, pino.destination(2));

let isStopping = false;
let stop: (() => Promise<void>) | undefined;
process.on('SIGTERM', () => {
  isStopping = true;
  if (stop) void stop().then(() => process.exit(0));
});
for (const since = Date.now(); ; ) {
  try {
    const running = await run({ api: role === 'api', workers: role === 'workers' }, config, log);
    stop = running.stop;
    console.log(JSON.stringify({ ready: true, url: running.url }));
    break;
  } catch (error) {
    // The database is starting, or was killed meanwhile.
    if (isStopping) process.exit(0);
    if (Date.now() - since > MAX_WAIT_MS) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
if (isStopping) await stop().then(() => process.exit(0));
