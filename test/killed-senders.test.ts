import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { deliveryCatalog, eventOf } from './support/deliveries.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { signTwilio, TWILIO_SID, twilioSettings } from './support/stand-ins/twilio.ts';

/** Workers that are killed between the hand-over of a message and the record of its attempt. */

vi.setConfig({ testTimeout: 120_000 });
const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

const PUBLIC_URL = 'https://tidings.example';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const CATALOG = deliveryCatalog({
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  HELD: { category: TRANSACTIONAL, channels: [email], in_doubt: hold }
  TEXT: { category: TRANSACTIONAL, channels: [sms], in_doubt: hold }
  ALERT: { category: SECURITY, channels: [internal] }
  LISTED: { category: TRANSACTIONAL, channels: [email] }`,
});

interface Processes {
  readonly database: TestDatabase;
  readonly url: string;
  startWorker(): Promise<Program>;
}

async function startProcesses(carrier: StandIn): Promise<Processes> {
  const database = await testDatabase();
  cleanup.push(() => database.drop());
  const folder = mkdtempSync(join(tmpdir(), 'tidings-killed-'));
  cleanup.push(async () => rmSync(folder, { recursive: true }));
  for (const [file, text] of CATALOG) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const account = twilioSettings(carrier.url);
  const env = {
    DATABASE_URL: database.url,
    PORT: '0',
    TIDINGS_CATALOG: folder,
    TIDINGS_DATA_DIR: folder,
    TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    TIDINGS_LEASE: '4s',
    TIDINGS_POLL: '1s',
    TIDINGS_PUBLIC_URL: PUBLIC_URL,
    TIDINGS_WATCH: 'false',
    SMS_PROVIDER: 'twilio',
    TWILIO_ACCOUNT_SID: account.account_sid as string,
    TWILIO_AUTH_TOKEN: account.auth_token as string,
    TWILIO_FROM_NUMBER: account.from as string,
    TWILIO_BASE_URL: carrier.url,
    EMAIL_PROVIDER: 'sendgrid',
    SENDGRID_API_KEY: 'SG.key',
    SENDGRID_BASE_URL: carrier.url,
    SENDGRID_VERIFICATION_KEY: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    EMAIL_FROM_EMAIL: 'bank@example.com',
  };
  const start = async (command: 'api' | 'workers') => {
    const program = tidingsDirectly([command, '--json'], { env });
    cleanup.push(async () => {
      program.killGroup('SIGKILL');
      await program.ended;
    });
    return { program, url: (await program.ready()).url };
  };
  const { url } = await start('api');
  return { database, url: url as string, startWorker: async () => (await start('workers')).program };
}

async function post(url: string, body: string, headers: { [name: string]: string }): Promise<number> {
  return (await fetch(url, { method: 'POST', headers, body })).status;
}

test('a receipt of a message whose worker was killed before it settled is recorded, and ends the doubt: nothing is sent twice', async () => {
  const carrier = await startStandIn({ instead: 'hang' });
  cleanup.push(() => carrier.stop());
  const { database, url, startWorker } = await startProcesses(carrier);
  const worker = await startWorker();
  const traits = { email: 'maria@example.com', phone: '+351912345678' };
  const events = [eventOf('held', { traits }), eventOf('text', { traits })];
  expect(await post(`${url}/api/v1/events`, JSON.stringify(events), { 'content-type': 'application/json' })).toBe(202);
  await expect.poll(() => carrier.requests.length, { timeout: 60_000 }).toBe(2);
  worker.kill('SIGKILL');
  await worker.ended;

  const mail = JSON.parse(carrier.requests.find(({ path }) => path === '/v3/mail/send')?.body as string);
  const report = JSON.stringify([
    { ...mail.personalizations[0].custom_args, sg_event_id: 'e1', event: 'delivered', timestamp: 1_763_600_000 },
  ]);
  const signature = sign('sha256', Buffer.from(`1763640000${report}`), privateKey).toString('base64');
  const signed = {
    'x-twilio-email-event-webhook-signature': signature,
    'x-twilio-email-event-webhook-timestamp': '1763640000',
  };
  expect(await post(`${url}/api/v1/receipts/sendgrid`, report, signed)).toBe(204);
  const text = new URLSearchParams(carrier.requests.find(({ path }) => path.endsWith('/Messages.json'))?.body);
  const callback = new URL(text.get('StatusCallback') as string);
  callback.hash = '';
  const fields = { MessageSid: TWILIO_SID, MessageStatus: 'delivered' };
  const form = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-twilio-signature': signTwilio(callback.href, fields),
  };
  const path = callback.href.slice(PUBLIC_URL.length);
  expect(await post(`${url}${path}`, new URLSearchParams(fields).toString(), form)).toBe(204);

  await startWorker();
  const load = async () => {
    const { rows } = await database.pool.query(
      `select d.channel, status, receipt_state, d.provider, d.provider_message_id, dead_letter, a.outcome, a.provider as tried
       from deliveries as d join attempts as a using (notification_id) order by d.channel`,
    );
    return rows;
  };
  const sent = { status: 'sent', receipt_state: 'delivered', dead_letter: null, outcome: 'sent' };
  await expect.poll(load, { timeout: 60_000, interval: 500 }).toEqual([
    { channel: 'email', ...sent, provider: 'sendgrid', tried: 'sendgrid', provider_message_id: null },
    { channel: 'sms', ...sent, provider: 'twilio', tried: 'twilio', provider_message_id: TWILIO_SID },
  ]);
  expect(carrier.requests).toHaveLength(2);
  const { rows } = await database.pool.query('select count(*)::int as held from held_receipts');
  expect(rows).toEqual([{ held: 0 }]);
});
