import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { acceptFcm, fcmSettings, isFcmSend } from '../support/stand-ins/fcm.ts';
import { startStandIn } from '../support/stand-ins/http-stand-in.ts';
import { LENDER_SECRETS, Lender } from '../support/stand-ins/lender.ts';

/*
 * npm run demo:lending [-- --once]: the flows of a lender from end to end, against stand-ins on this machine: a customer is
 * approved, imported, registered with the card network, reminded and alerted by push. With --once it ends by itself.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const isOnce = process.argv.includes('--once');
const MAX_WAIT_MS = 120_000;

/** Steps that undo what was started; they run in reverse order. */
const cleanup: (() => Promise<unknown> | unknown)[] = [];
let isEnding = false;

async function end(code: number): Promise<never> {
  if (!isEnding) {
    isEnding = true;
    for (const undo of cleanup.reverse()) await Promise.resolve(undo()).catch(() => {});
  }
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(isOnce ? 1 : 0));

const say = (text: string) => console.log(`  ${text}`);

/** Copies the example catalog, with the stand-in in the place of the services, and reminders that are sent at once. */
async function copyCatalog(folder: string, url: string): Promise<void> {
  await cp(join(ROOT, 'examples', 'lending'), folder, { recursive: true });
  const change = async (file: string, from: RegExp, to: string) => {
    const text = await readFile(join(folder, file), 'utf8');
    if (!text.match(from)) throw new Error(`${file} has changed: there is no ${from} in it`);
    await writeFile(join(folder, file), text.replace(from, to));
  };
  await change('connectors.yaml', /https:\/\/\w+\.cedar\.example/g, url);
  await change('rules.yaml', /at: event\.due_on - 3d 10:00/g, 'at: event.due_on - 3d 10:00\n    if_past: send_now');
}

/** Returns a zone where it is noon: messages are not held for the night. */
function findDayZone(): string {
  const offset = 12 - new Date().getUTCHours();
  return offset === 0 ? 'UTC' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}

/** Starts Tidings. Returns its URL, when it is ready. */
async function startTidings(folder: string, env: { readonly [name: string]: string }): Promise<string> {
  const child = spawn(process.execPath, ['bin/tidings.mjs', 'start', '--json'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', TIDINGS_DATA_DIR: join(folder, 'data'), TIDINGS_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A Ctrl-C in the terminal ends it after what it still has to say.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  cleanup.push(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line) as { readonly url?: string };
    if (url) return url;
  }
  throw new Error('Tidings did not start');
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-demo-'));
  cleanup.push(() => rm(folder, { recursive: true, force: true }));
  const lender = await Lender.start();
  cleanup.push(() => lender.stop());
  const fcm = await startStandIn(acceptFcm);
  cleanup.push(() => fcm.stop());
  const catalog = join(folder, 'catalog');
  await copyCatalog(catalog, lender.url);
  console.log('Starting Tidings with its PostgreSQL, and stand-ins for upstream, the card API and push …');
  const push = Object.entries(fcmSettings(fcm.url)).map(([name, value]) => [`FCM_${name.toUpperCase()}`, value]);
  const url = await startTidings(folder, {
    TIDINGS_CATALOG: catalog,
    TIDINGS_CONNECTOR_SERVERS: lender.url,
    PUSH_PROVIDER: 'fcm',
    ...Object.fromEntries(push),
  });
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  await call('PUT', '/connectors/customer_import/secrets', { shared_key: LENDER_SECRETS.shared_key });
  await call('PUT', '/connectors/card_network/secrets', { shared_key: LENDER_SECRETS.shared_key });
  await runFlow(url, call, lender, () => fcm.requests.filter(isFcmSend).length);
}

interface Delivery {
  readonly notification_type: string;
  readonly channel: string;
  readonly status: string;
}

type Call = <T>(method: string, path: string, body?: object) => Promise<T>;

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const from = Date.now(); Date.now() - from < MAX_WAIT_MS; await sleep(200)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what}: nothing after ${MAX_WAIT_MS / 1000} s`);
}

async function runFlow(url: string, call: Call, lender: Lender, countPushes: () => number): Promise<void> {
  const [customer, product] = [randomUUID(), randomUUID()];
  lender.addCustomer(customer, {
    email: 'dana@example.com',
    phone: '+13125550147',
    name: { first: 'Dana', last: 'Reyes' },
    time_zone: findDayZone(),
    products: [{ product_uuid: product, type: 'credit', status: 'approved' }],
  });
  // Upstream is slow to know its customer, and the network asks to try again.
  lender.scriptUpstream(customer, { status: 404 });
  lender.scriptCard(product, 'R');
  await call('POST', `/users/${customer}/devices/fcm`, {
    registration_id: 'cGFzc2FnZQ:APA91bHun4MxP5egoKMwt2KZFBaFUH',
  });
  say(`device     customer ${customer} registers a phone`);
  // The topic product-status, as its source would hand it in.
  await publish(call, customer, 'product_status_changed', {
    product_uuid: product,
    product: 'CREDIT',
    status: 'approved',
  });
  say('approved   product_status_changed is posted; upstream does not know the customer yet');
  await until('import', async () => {
    const { tasks } = await call<{ tasks: { kind: string; state: string }[] }>(
      'GET',
      `/connector-tasks?user_id=${customer}`,
    );
    return tasks.find(({ kind, state }) => kind === 'customer-import' && state === 'done');
  });
  say('imported   traits, addresses and products are there, at the second attempt');
  const registered = await until('registration', async () => {
    const { products } = await call<{ products: { registration: string; registration_code: string }[] }>(
      'GET',
      `/users/${customer}/products`,
    );
    return products.find(({ registration }) => registration === 'registered');
  });
  say(`registered the card network answered R, then S (${registered.registration_code})`);
  const due = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  const payment = { payment_id: 'p-1', product: 'CREDIT', amount: 900, minimum: 35, due_on: due, autopay: false };
  await publish(call, customer, 'payment_due', payment);
  await publish(call, customer, 'card_purchase', {
    purchase_id: 'c-1',
    amount: 649.9,
    currency: 'USD',
    merchant: 'Garden store',
  });
  for (const [step, type] of [
    ['reminded  ', 'CARD_PAYMENT_REMINDER'],
    ['alerted   ', 'CARD_HIGH_PURCHASE'],
  ] as const) {
    await until(type, async () => {
      const { deliveries } = await call<{ deliveries: readonly Delivery[] }>('GET', '/deliveries?limit=200');
      return deliveries.find(
        (one) => one.notification_type === type && one.channel === 'push' && one.status === 'sent',
      );
    });
    say(`${step} ${type} went to the phone`);
  }
  say(`           ${countPushes()} push messages arrived at the stand-in`);
  console.log(`Everything is explained at ${url}/#/users/${customer}`);
  if (isOnce) return;
  console.log('Ctrl-C ends it.');
  await new Promise(() => {});
}

let posted = 0;

/** Hands an event in. Over HTTP; a broker would have it from the topic of the event. */
async function publish(call: Call, userId: string, type: string, properties: object): Promise<void> {
  await call('POST', '/events', {
    event_id: `demo ${userId} ${++posted}`,
    user_id: userId,
    event_type: type,
    event_timestamp: new Date().toISOString(),
    properties,
  });
}

main().then(
  () => end(0),
  async (error) => {
    console.error(error instanceof Error ? error.message : error);
    await end(1);
  },
);
