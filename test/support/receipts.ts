import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, expect } from 'vitest';
import { sendgrid } from '../../src/channels/email/sendgrid.ts';
import type { ProviderDefinition } from '../../src/channels/provider.ts';
import { twilio } from '../../src/channels/sms/twilio.ts';
import { messageLinks } from '../../src/delivery/message-links.ts';
import { type DeliveryTidings, deliveryCatalog, eventOf, useDeliveries } from './deliveries.ts';
import { type Answer, testServer } from './http.ts';
import { type FakeProvider, fakeProvider, type Answer as SendAnswer } from './providers.ts';

/** Deliveries by fake accounts of SendGrid and Twilio, and the signed requests with which these report. */

export const PUBLIC_URL = 'https://tidings.example';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const VERIFICATION_KEY = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
const AUTH_TOKEN = 'token of the account';

const CATALOG = deliveryCatalog({
  'events.yaml': 'events: { mail: {}, promo: {}, code: {}, news: {}, text: {}, steps: {} }',
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }
  NEWS: { category: OPERATIONAL, channels: [email] }
  CODE: { category: SECURITY, channels: [email] }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  STEPS: { category: TRANSACTIONAL, channels: { first_of: [email, sms], wait: 1d, until: UNTIL } }`,
  'rules.yaml': `rules:
  MAIL: { on: mail }
  PROMO: { on: promo }
  NEWS: { on: news }
  CODE: { on: code }
  TEXT: { on: text }
  STEPS: { on: steps }`,
});

const TEXTS = ['MAIL', 'PROMO', 'NEWS', 'CODE', 'STEPS'].flatMap((type) => [
  [`templates/${type}/email.en.subject.txt`, 'Hello'],
  [`templates/${type}/email.en.txt`, 'Hello there'],
]) as [string, string][];

export interface ReceiptTidings {
  readonly tidings: DeliveryTidings;
  readonly email: FakeProvider;
  readonly sms: FakeProvider;
  /** Sends a message to the same user; resolves to the id of the delivery once it has this status. */
  send(event: string, status?: 'sent' | 'dropped' | 'dead' | 'queued', user?: string): Promise<string>;
  /** Posts events of SendGrid, signed. */
  sendgrid(events: readonly { readonly [field: string]: unknown }[], headers?: Record<string, string>): Promise<Answer>;
  /** Posts a form of Twilio, signed. @param query that the URL of the callback has. Default: none */
  twilio(fields: { readonly [field: string]: string }, query?: string): Promise<Answer>;
  server: Awaited<ReturnType<typeof testServer>>;
  suppressions(): Promise<readonly { readonly [field: string]: unknown }[]>;
}

/** Prepares the tests of a file: call it once, at its top. */
export function useReceipts(): (options?: {
  email?: SendAnswer;
  sms?: SendAnswer;
  until?: 'sent' | 'delivered' | 'opened';
  rules?: string;
  /** Sender of the account of SMS; absent: not known. */
  sender?: string;
  /** Files of the catalog, instead of its own. */
  files?: { readonly [file: string]: string };
}) => Promise<ReceiptTidings> {
  const start = useDeliveries();
  let close = async () => {};
  afterEach(() => close());
  return async ({
    email: answer,
    sms: smsAnswer,
    until = 'delivered',
    rules = '',
    sender,
    files: changed = {},
  } = {}) => {
    let sent = 0;
    const numbered = () => ({ kind: 'sent', providerMessageId: `SM${String(++sent).padStart(32, '0')}` }) as const;
    const email = fakeProvider(answer ?? numbered, { name: 'sendgrid' });
    const sms = fakeProvider(smsAnswer ?? numbered, { name: 'twilio', ...(sender === undefined ? {} : { sender }) });
    const tidings = await start({ email, sms });
    const files = new Map([...CATALOG].filter(([file]) => !file.startsWith('templates/')));
    for (const [file, text] of TEXTS) files.set(file, text);
    for (const type of ['TEXT', 'STEPS']) files.set(`templates/${type}/sms.en.txt`, 'Hello');
    files.set('notifications.yaml', (files.get('notifications.yaml') as string).replace('UNTIL', until));
    files.set('rules.yaml', `${files.get('rules.yaml')}${rules}`);
    for (const [file, text] of Object.entries(changed)) files.set(file, text);
    await tidings.apply(files);
    await tidings.worker({ links: messageLinks(PUBLIC_URL, tidings.seal) });
    const accounts: { readonly [name: string]: [ProviderDefinition, unknown] } = {
      sendgrid: [sendgrid as ProviderDefinition, { verification_key: VERIFICATION_KEY }],
      twilio: [twilio as ProviderDefinition, { auth_token: AUTH_TOKEN }],
    };
    const server = await testServer(tidings, {
      publicUrl: PUBLIC_URL,
      receiptAccounts: {
        async find(provider, account) {
          const found = account === null && Object.hasOwn(accounts, provider) ? accounts[provider] : undefined;
          return found && { definition: found[0], settings: found[1], tenantId: null, account: null };
        },
      },
    });
    close = () => server.close();
    return {
      tidings,
      email,
      sms,
      server,
      async send(event, status = 'sent', user = 'u1') {
        const traits = { email: `${user}@example.com`, phone: '+15550100' };
        const [result] = await tidings.ingest([eventOf(event as 'mail', { user, traits })]);
        const id = `${result?.decisions[0]?.notification_id}.${event === 'text' ? 'sms' : 'email'}`;
        await tidings.becomes(id, status);
        return id;
      },
      async sendgrid(events, headers = {}) {
        const body = JSON.stringify(events, null, 1).replaceAll('\n', '\r\n');
        const timestamp = '1763640000';
        const signature = sign('sha256', Buffer.from(timestamp + body), privateKey).toString('base64');
        return server.post('/api/v1/receipts/sendgrid', body, {
          'x-twilio-email-event-webhook-signature': signature,
          'x-twilio-email-event-webhook-timestamp': timestamp,
          ...headers,
        });
      },
      async twilio(fields, query = '') {
        const path = `/api/v1/receipts/twilio${query}`;
        const text = Object.entries(fields)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => name + value)
          .join('');
        const signature = createHmac('sha1', AUTH_TOKEN).update(`${PUBLIC_URL}${path}${text}`).digest('base64');
        return server.post(path, new URLSearchParams(fields).toString(), {
          'content-type': 'application/x-www-form-urlencoded',
          'x-twilio-signature': signature,
        });
      },
      async suppressions() {
        const { status, body } = await server.get('/api/v1/suppressions');
        expect(status).toBe(200);
        return body.suppressions;
      },
    };
  };
}

let events = 0;

/** An event of SendGrid about a delivery. */
export function eventAbout(deliveryId: string, event: string, more: { readonly [field: string]: unknown } = {}) {
  return {
    sg_event_id: `event ${++events}`,
    tidings_key: deliveryId,
    event,
    timestamp: 1_763_600_000 + events,
    ...more,
  };
}
