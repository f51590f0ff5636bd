import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import { freePort } from '../../torture/free-port.ts';
import { copyFolder, ensureBroker, ensureNode } from './install.mjs';

const MEMORY = ['-Xms128m', '-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
const START_MS = 120_000;

export interface KafkaTools {
  /** Class path of the broker. */
  readonly classPath: string;
  /** A Node.js that runs the client. */
  readonly node: string;
}

/** Returns what Kafka needs on this machine, or what is missing. */
export function lookForKafka(): KafkaTools | { readonly missing: string } {
  const classPath = ensureBroker();
  const node = ensureNode();
  if (classPath && node) return { classPath, node };
  return { missing: classPath ? 'there is no Node.js from 22.22 on' : 'there is no Java, or no Maven' };
}

/** Returns what a test of Kafka needs on this machine; undefined: the reason why it is skipped was printed. */
export function findKafka(): KafkaTools | undefined {
  const found = lookForKafka();
  if (!('missing' in found)) return found;
  console.warn(`Kafka is not tested: ${found.missing}.`);
  return undefined;
}

/** A real broker: Apache Kafka in KRaft mode, one process on loopback. */
export class Broker {
  readonly port: number;
  readonly kafka: Kafka;
  readonly #classPath: string;
  readonly #dir: string;
  #process: ChildProcess | undefined;
  #admin: Promise<Admin> | undefined;
  #producer: Promise<Producer> | undefined;

  /** Port with TLS and a login of each mechanism (`tidings`, `right`); undefined: it has no such port. */
  readonly securePort: number | undefined;
  /** File with the certificate of `securePort`. */
  readonly ca: string;

  private constructor(classPath: string, dir: string, port: number, controller: number, securePort?: number) {
    this.#classPath = classPath;
    this.#dir = dir;
    this.port = port;
    this.securePort = securePort;
    this.ca = join(dir, 'tls', 'ca.pem');
    this.kafka = new Kafka({
      clientId: 'test',
      brokers: [`127.0.0.1:${port}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 2000 },
    });
    writeFileSync(join(dir, 'server.properties'), toProperties(dir, port, controller, securePort));
  }

  static async start({ classPath }: KafkaTools, isSecure = false): Promise<Broker> {
    const dir = mkdtempSync(join(tmpdir(), 'kafka-'));
    const [port, controller] = [await freePort(), await freePort()];
    const broker = new Broker(classPath, dir, port, controller, isSecure ? await freePort() : undefined);
    if (isSecure) copyFolder('certificate', join(dir, 'tls'), makeCertificate);
    copyFolder('formatted-with-logins', join(dir, 'data'), (folder) => format(classPath, folder));
    await broker.run();
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts the process, and waits until it answers. */
  async run(): Promise<void> {
    const child = spawn(
      'java',
      [...MEMORY, '-cp', this.#classPath, 'kafka.Kafka', join(this.#dir, 'server.properties')],
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    let errors = '';
    child.stderr?.on('data', (data) => {
      errors = (errors + String(data)).slice(-4000);
    });
    this.#process = child;
    // It is the leader of a group of its own, and would outlive this process.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const until = performance.now() + START_MS;
    for (;;) {
      const admin = new Kafka({
        brokers: [this.address],
        logLevel: logLevel.NOTHING,
        retry: { retries: 0 },
        connectionTimeout: 1000,
      }).admin();
      try {
        await admin.connect();
        await admin.listTopics();
        return;
      } catch {
        if (performance.now() > until || child.exitCode !== null)
          throw new Error(`the broker did not start: ${errors}`);
        await sleep(200);
      } finally {
        await admin.disconnect().catch(() => {});
      }
    }
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  admin(): Promise<Admin> {
    this.#admin ??= connect(this.kafka.admin());
    return this.#admin;
  }

  async createTopic(topic: string, numPartitions = 1, settings: Record<string, string> = {}): Promise<void> {
    const admin = await this.admin();
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, configEntries }] });
    for (;;) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
      if (topics[0]?.partitions.length === numPartitions && topics[0].partitions.every(({ leader }) => leader >= 0))
        return;
      await sleep(100);
    }
  }

  producer(): Promise<Producer> {
    // Idempotent: a request that is sent again because its answer came late stores no message twice.
    this.#producer ??= connect(
      this.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 }),
    );
    return this.#producer;
  }

  async stop(): Promise<void> {
    for (const client of [this.#producer, this.#admin]) await client?.then((one) => one.disconnect()).catch(() => {});
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function connect<Client extends { connect(): Promise<void> }>(client: Client): Promise<Client> {
  await client.connect();
  return client;
}

/** Makes a key with a certificate of its own in a folder. */
function makeCertificate(folder: string): void {
  const store = ['-alias', 'broker', '-keystore', join(folder, 'broker.p12'), '-storepass', 'changeit'];
  const names = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost'];
  const key = ['-genkeypair', '-keyalg', 'RSA', '-storetype', 'PKCS12', '-validity', '3650'];
  execFileSync('keytool', [...key, ...store, ...names], { stdio: 'pipe' });
  execFileSync('keytool', ['-exportcert', '-rfc', '-file', join(folder, 'ca.pem'), ...store], { stdio: 'pipe' });
}

const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];

function toSecureProperties(dir: string): string[] {
  const jaas = (mechanism: string) => `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config`;
  const security = 'org.apache.kafka.common.security';
  return [
    `sasl.enabled.mechanisms=PLAIN,${SCRAM}`,
    `${jaas('PLAIN')}=${security}.plain.PlainLoginModule required user_tidings="right";`,
    ...SCRAM.map((mechanism) => `${jaas(mechanism)}=${security}.scram.ScramLoginModule required;`),
    `ssl.keystore.location=${join(dir, 'tls', 'broker.p12')}`,
    'ssl.keystore.type=PKCS12',
    'ssl.keystore.password=changeit',
    // The login may read the topics that no rule is about; without a login, everything is allowed.
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found=true',
    'super.users=User:ANONYMOUS',
  ];
}

function toProperties(dir: string, port: number, controller: number, securePort?: number): string {
  const secure = securePort === undefined ? '' : `,SASL_SSL://127.0.0.1:${securePort}`;
  return [
    ...(securePort === undefined ? [] : toSecureProperties(dir)),
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=PLAINTEXT://127.0.0.1:${port}${secure},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}${secure}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${join(dir, 'data')}`,
    'num.partitions=1',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    // A broker that was killed may come back at once: its registration counts for this time, by default 9 s.
    'broker.session.timeout.ms=1500',
    'broker.heartbeat.interval.ms=300',
    'auto.create.topics.enable=false',
    'log.message.timestamp.after.max.ms=9223372036854775807',
    'log.message.timestamp.before.max.ms=9223372036854775807',
    'log.retention.ms=-1',
    '',
  ].join('\n');
}

const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk';

/** Makes the folder of an empty broker, with the logins of SCRAM. */
function format(classPath: string, folder: string): void {
  const settings = join(folder, 'format.properties');
  mkdirSync(folder, { recursive: true });
  writeFileSync(settings, toProperties(folder, 9092, 9093).replace(join(folder, 'data'), folder));
  const logins = SCRAM.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=tidings,password=right]`]);
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', settings];
  execFileSync('java', ['-cp', classPath, ...format, ...logins], { stdio: 'pipe' });
  rmSync(settings);
  if (!existsSync(join(folder, 'meta.properties'))) throw new Error(readFileSync(folder, 'utf8'));
}
