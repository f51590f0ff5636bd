import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lookForKafka } from '../support/kafka/broker.ts';
import { acceptFcm, fcmSettings, isFcmSend } from '../support/stand-ins/fcm.ts';
import { startStandIn } from '../support/stand-ins/http-stand-in.ts';
import { LENDER_SECRETS, Lender } from '../support/stand-ins/lender.ts';
import { type Call, MESSAGE_OUTCOME, type Publisher, publishOverHttp, publishToTopics, startTopics } from './topics.ts';

/*
 * npm run demo:lending [-- --once] [-- --http]: the flows of a lender from end to end, against a broker and stand-ins on this
 * machine: a customer is approved, imported, registered with the card network, reminded, alerted and sent what other services ask
 * for. With --once it ends by itself; with --http, or where no broker can run, the messages of topics come over HTTP.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const isOnce = process.argv.includes('--once');
const isHttp = process.argv.includes('--http');
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

/** Prints a step, the time since the start before it. */
const say = (step: string, text: string) =>
  console.log(`${(performance.now() / 1000).toFixed(1).padStart(5)} s  ${step.padEnd(10)} ${text}`);

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
async function startTidings(node: string, folder: string, env: { readonly [name: string]: string }): Promise<string> {
  const child = spawn(node, ['bin/tidings.mjs', 'start', '--json'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', TIDINGS_DATA_DIR: join(folder, 'data'), TIDINGS_LOG_LEVEL: 'error', ...env },
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

/** The lender and all that it runs. */
interface Demo {
  readonly url: string;
  readonly folder: string;
  readonly call: Call;
  readonly lender: Lender;
  readonly publisher: Publisher;
  /** Whether the topics are those of a broker. */
  readonly hasTopics: boolean;
  countPushes(): number;
}

async function start(): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-demo-'));
  cleanup.push(() => rm(folder, { recursive: true, force: true }));
  const kafka = isHttp ? { missing: '--http is given' } : lookForKafka();
  const isWithout = 'missing' in kafka;
  if (isWithout) console.log(`Without a broker, since ${kafka.missing}: the messages of topics come over HTTP.`);
  console.log(
    `Starting ${isWithout ? '' : 'Apache Kafka, '}Tidings with its PostgreSQL, and stand-ins for upstream, the card API with the card network, and push …`,
  );
  const lender = await Lender.start();
  cleanup.push(() => lender.stop());
  const fcm = await startStandIn(acceptFcm);
  cleanup.push(() => fcm.stop());
  const catalog = join(folder, 'catalog');
  await copyCatalog(catalog, lender.url);
  const broker = isWithout ? undefined : await startTopics(kafka);
  if (broker) cleanup.push(() => broker.stop());
  const push = Object.entries(fcmSettings(fcm.url)).map(([name, value]) => [`FCM_${name.toUpperCase()}`, value]);
  const url = await startTidings(isWithout ? process.execPath : kafka.node, folder, {
    TIDINGS_CATALOG: catalog,
    TIDINGS_CONNECTOR_SERVERS: lender.url,
    PUSH_PROVIDER: 'fcm',
    ...(broker && { TIDINGS_KAFKA_BROKERS: broker.address }),
    ...Object.fromEntries(push),
  });
  const call: Call = async (method, path, body, headers) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as never;
  };
  await call('PUT', '/connectors/customer_import/secrets', { shared_key: LENDER_SECRETS.shared_key });
  await call('PUT', '/connectors/card_network/secrets', { shared_key: LENDER_SECRETS.shared_key });
  const publisher = broker ? publishToTopics(broker) : publishOverHttp(call);
  const hasTopics = broker !== undefined;
  return { url, folder, call, lender, publisher, hasTopics, countPushes: () => fcm.requests.filter(isFcmSend).length };
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const from = Date.now(); Date.now() - from < MAX_WAIT_MS; await sleep(100)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what}: nothing after ${MAX_WAIT_MS / 1000} s`);
}

/** A customer with a phone, whose application is approved; until their card is registered. */
async function openAccount({ call, lender, publisher }: Demo, customer: string, product: string): Promise<void> {
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
  say('device', `customer ${customer} registers a phone`);
  await publisher.publishStatus({
    customer_uuid: customer,
    product_uuid: product,
    product: 'CREDIT',
    status: 'approved',
  });
  say('approved', `an application, by ${publisher.statusTopic}; upstream does not know the customer yet`);
  await until('import', async () => {
    const { tasks } = await call<{ tasks: { kind: string; state: string }[] }>(
      'GET',
      `/connector-tasks?user_id=${customer}`,
    );
    return tasks.find(({ kind, state }) => kind === 'customer-import' && state === 'done');
  });
  say('imported', 'traits, addresses and products are there, at the second attempt');
  const registered = await until('registration', async () => {
    const { products } = await call<{ products: { registration: string; registration_code: string }[] }>(
      'GET',
      `/users/${customer}/products`,
    );
    return products.find(({ registration }) => registration === 'registered');
  });
  say('registered', `the card network answered R, then S (${registered.registration_code})`);
}

interface Delivery {
  readonly notification_type: string;
  readonly user_id: string;
  readonly channel: string;
  readonly status: string;
}

/** Waits until so many pushes of a type went to the phone of the customer. */
async function untilPushed({ call }: Demo, customer: string, type: string): Promise<void> {
  await until(type, async () => {
    const { deliveries } = await call<{ deliveries: readonly Delivery[] }>('GET', '/deliveries?limit=200');
    return deliveries.find(
      (one) =>
        one.user_id === customer && one.notification_type === type && one.channel === 'push' && one.status === 'sent',
    );
  });
}

/** Runs a command of the lender with a file of one line, twice. Returns what it said. */
async function generate({ url, folder }: Demo, command: string, line: object): Promise<string> {
  const file = join(folder, `${command}.jsonl`);
  await writeFile(file, `${JSON.stringify(line)}\n`);
  const said: string[] = [];
  for (let run = 1; run <= 2; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/tidings.mjs', command, file], {
      cwd: ROOT,
      env: { ...process.env, TIDINGS_URL: url },
    });
    said.push(stdout.trim());
  }
  return said.join('; again: ');
}

/** A payment that will be due, and a high purchase, by the commands of the lender. */
async function remind(demo: Demo, customer: string, product: string): Promise<void> {
  const line = { user_id: customer, at: new Date().toISOString(), product_uuid: product };
  const due = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  const planned = await generate(demo, 'generate_payment_reminder_objects', {
    ...line,
    payment_id: 'p-1',
    product: 'CREDIT',
    amount: 900,
    minimum: 35,
    due_on: due,
    autopay: false,
  });
  await untilPushed(demo, customer, 'CARD_PAYMENT_REMINDER');
  say('reminded', `of a payment, by generate_payment_reminder_objects (${planned})`);
  const bought = await generate(demo, 'generate_card_high_purchase_objects', {
    ...line,
    purchase_id: 'c-1',
    amount: 649.9,
    currency: 'USD',
    merchant: 'Garden store',
  });
  await untilPushed(demo, customer, 'CARD_HIGH_PURCHASE');
  say('alerted', `of a purchase, by generate_card_high_purchase_objects (${bought})`);
}

interface Toggle {
  readonly id: string;
  readonly category: string;
}

interface Decision {
  readonly outcome: string;
  readonly reason_code: string;
}

/** A message that another service asks for; and once more, after the customer has switched it off in the app. */
async function sendIntents(demo: Demo, customer: string): Promise<void> {
  const { call, publisher } = demo;
  const intent = {
    customer_uuid: customer,
    notification: 'STATEMENT_READY',
    variables: { statement_id: 's-1', balance: 1204.5 },
  };
  await publisher.publishIntent(intent);
  await untilPushed(demo, customer, intent.notification);
  say('pushed', `a message that another service asked for, by ${publisher.intentTopic}`);
  const toggles = await call<readonly Toggle[]>('GET', `/customer-notifications/${customer}`);
  const toggle = toggles.find(({ category }) => category === intent.notification);
  if (!toggle) throw new Error(`the customer has no switch for ${intent.notification}`);
  await call('PATCH', `/customer-notifications/${toggle.id}`, { enabled: false });
  await publisher.publishIntent(intent);
  const dropped = await until('the second intent', async () => {
    const { decisions } = await call<{ decisions: readonly Decision[] }>(
      'GET',
      `/audit/${customer}?notification_type=${intent.notification}`,
    );
    return decisions.find(({ outcome }) => outcome !== 'send');
  });
  say('silent', `the customer switched it off: the next one is not sent (${dropped.reason_code})`);
}

/** Waits until the services that asked can read what became of their messages. */
async function readOutcomes({ call }: Demo): Promise<void> {
  const published = await until('outcomes', async () => {
    const { sinks } = await call<{ sinks: { topic: string; published: number; waiting: number }[] }>('GET', '/sinks');
    const sink = sinks.find(({ topic, waiting }) => topic === MESSAGE_OUTCOME && waiting === 0);
    return sink?.published || undefined;
  });
  say('outcomes', `${published} messages about all this are in the topic ${MESSAGE_OUTCOME}`);
}

async function main(): Promise<void> {
  const demo = await start();
  const [customer, product] = [randomUUID(), randomUUID()];
  await openAccount(demo, customer, product);
  await remind(demo, customer, product);
  await sendIntents(demo, customer);
  if (demo.hasTopics) await readOutcomes(demo);
  say('', `${demo.countPushes()} push messages arrived at the stand-in`);
  console.log(
    [
      '',
      `Everything is explained at ${demo.url}/#/users/${customer}`,
      '  Look at: the timeline (approval, import with its first attempt, registration, each message, and why the last was not sent),',
      `  what the customer may choose (${demo.url}/#/users/${customer}/preferences),`,
      `  each message with its attempts (${demo.url}/#/deliveries), the catalog with its sources (${demo.url}/#/catalog).`,
    ].join('\n'),
  );
  if (isOnce) return;
  console.log('It goes on running; Ctrl-C ends it, and removes what it made.');
  await new Promise(() => {});
}

main().then(
  () => end(0),
  async (error) => {
    if (isEnding) return;
    console.error(error instanceof Error ? error.message : error);
    await end(1);
  },
);
