import type { LookupFunction } from 'node:net';
import SMTPPool from 'nodemailer/lib/smtp-pool';
import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { type Mailbox, parseMailbox, toMailAddress } from '../../lib/text/mailbox.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { destination } from '../destinations.ts';
import type { CheckResult, Outgoing, Provider, ProviderDefinition } from '../provider.ts';
import { secretSetting } from '../secret-setting.ts';
import { findAttachmentFault } from './attachments.ts';
import { type DkimSettings, getPublicKey, openDkimKey, signMail } from './dkim.ts';
import { buildMail } from './mime.ts';
import { PooledMail } from './pooled-mail.ts';
import { senderSetting } from './sender-setting.ts';
import { SMTP_CODES } from './smtp-codes.ts';
import { type SmtpFailure, toFailureOutcome } from './smtp-outcome.ts';
import { connectBy } from './smtp-socket.ts';
import { parseSmtpUrl } from './smtp-url.ts';

const DOMAIN = /^(?=.{3,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/i;

const settings = z
  .strictObject({
    url: destination(secretSetting()).describe(
      'Server and credentials: `smtp://user:password@mail.example.com:587` (STARTTLS), or `smtps://…` (TLS from the start).',
    ),
    from: senderSetting('The sender, as `Bank <bank@example.com>`: the visible one, and the address for bounces.'),
    reply_to: senderSetting('Where replies go. Default: to the sender.').optional(),
    pool: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('Connections of each process, and thus messages that are sent at once, from 1 to 100.'),
    dkim_domain: z
      .string()
      .regex(DOMAIN, { error: 'must be a domain such as example.com' })
      .optional()
      .describe('Domain that signs each message with DKIM; that of `from`, or one above it. Default: no signature.'),
    dkim_selector: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/i, { error: 'must be a name such as tidings1' })
      .optional()
      .describe('Name of the key: the DNS record is `SELECTOR._domainkey.DOMAIN`.'),
    dkim_private_key: secretSetting()
      .optional()
      .describe('RSA key in PEM, of 1024 bits or more; line breaks may be written as `\\n`.'),
  })
  .refine(
    ({ dkim_domain, dkim_selector, dkim_private_key }) =>
      new Set([dkim_domain === undefined, dkim_selector === undefined, dkim_private_key === undefined]).size === 1,
    { error: 'must have all of dkim_domain, dkim_selector and dkim_private_key, or none of them' },
  );

type SmtpAccount = z.output<typeof settings>;

export const smtp: ProviderDefinition<SmtpAccount> = {
  name: 'smtp',
  label: 'SMTP',
  channels: ['email'],
  about: `Email by any mail server: your own, or the SMTP access of a provider.

**To set it up**

1. Ask the owner of the server for host, port, user name and password, and write them as one URL. Port 587 is for
   \`smtp://\`, port 465 for \`smtps://\`. In user name and password write \`%40\` for an @, \`%3A\` for a colon, \`%2F\` for a slash.
   \`?requireTLS=true\` demands STARTTLS.
2. Run the check: it connects, logs in and sends nothing.

**Signatures**

Most servers sign with DKIM themselves. If yours does not, Tidings can:

\`\`\`sh
openssl genrsa -out dkim.pem 2048
openssl rsa -in dkim.pem -pubout -outform DER | base64 -w0   # the p= of the DNS record
\`\`\`

Publish \`tidings1._domainkey.example.com\` as a TXT record \`v=DKIM1; k=rsa; p=…\`, and save \`dkim_domain\`, \`dkim_selector\` and
\`dkim_private_key\`. The signature covers \`List-Unsubscribe\` and \`List-Unsubscribe-Post\`, as one-click unsubscribe demands.

**Bounces.** An address that the server rejects at once is known as dead. A bounce that arrives later by mail is not read: it goes to
the address of \`from\`.

**A repetition is not recognized** by the server, but each attempt has the same \`Message-ID\`, by which many mailboxes show it
once.

**Errors.** The table is for replies to \`RCPT TO\`. Before it no reply can be about the recipient: the same code at \`MAIL FROM\`
concerns the account, or the sender that a tenant has chosen by \`mail_from\`: then the code is \`mail_from_rejected\`, and only the
emails of that tenant wait.`,
  settings,
  environment: {
    variables: {
      url: 'SMTP_URL',
      from: 'EMAIL_FROM_EMAIL',
      reply_to: 'EMAIL_REPLY_TO',
      pool: 'SMTP_POOL',
      dkim_domain: 'DKIM_DOMAIN',
      dkim_selector: 'DKIM_SELECTOR',
      dkim_private_key: 'DKIM_PRIVATE_KEY',
    },
    defaults: { from: 'Tidings <tidings@localhost>' },
  },
  defaults: { concurrency: 5, maxMillis: 60_000 },
  keepsMessage: true,
  repeats: 'doubled',
  correlatesBy: 'nothing',
  checks: 'It connects to the server and logs in.',
  codes: SMTP_CODES,
  signingKeys: ({ dkim_domain: domain, dkim_selector: selector, dkim_private_key: key }) =>
    domain && selector && key ? [{ domain, selector, publicKey: getPublicKey(key) }] : [],
  open({ url, from, reply_to, pool, dkim_domain, dkim_selector, dkim_private_key }, { http }) {
    const lookup = URL.canParse(url) ? http.getLookup(url) : undefined;
    return smtpProvider({
      url,
      from,
      pool,
      ...(lookup ? { lookup } : {}),
      ...(reply_to === undefined ? {} : { replyTo: reply_to }),
      ...(dkim_domain !== undefined && dkim_selector !== undefined && dkim_private_key !== undefined
        ? { dkim: { domain: dkim_domain, selector: dkim_selector, privateKey: dkim_private_key } }
        : {}),
    });
  },
};

export interface SmtpSettings {
  /** See smtp-url.ts. */
  readonly url: string;
  /** `Name <address>`: the visible sender, and the address for bounces. */
  readonly from: string;
  /** Number of connections, and of sends at once. Default 5. */
  readonly pool?: number;
  /** Address for replies, as `Name <address>`. Default: the sender. */
  readonly replyTo?: string;
  /** Default: emails are not signed here. */
  readonly dkim?: DkimSettings;
  /** Finds the addresses of the server; no other one is connected to. Default: as the system does. */
  readonly lookup?: LookupFunction;
  readonly timeouts?: {
    /** To connect, and again for the greeting, in ms. Default 10 s. */
    readonly connect?: Millis;
    /** For the next reply of the server, in ms; below the limit of a send. Default 50 s. */
    readonly reply?: Millis;
  };
}

/**
 * Returns a provider for email by SMTP over a pool of connections, which are opened when there is something to send. Each
 * message has a `Message-ID` derived from its idempotency key, the same in every attempt.
 * @throws ConfigError if `url` or `from` cannot be parsed
 */
export function smtpProvider(settings: SmtpSettings): Provider {
  const connection = parseSmtpUrl(settings.url);
  const ownSender = parseSender(settings.from);
  const replyTo = settings.replyTo === undefined ? undefined : parseMailbox(settings.replyTo);
  const dkimKey = settings.dkim && openDkimKey(settings.dkim);
  const domain = ownSender.address.slice(ownSender.address.lastIndexOf('@') + 1);
  const { pool: size = 5, timeouts: { connect = 10_000, reply = 50_000 } = {} } = settings;
  const pool = new SMTPPool({
    ...connection,
    maxConnections: size,
    // Connections are replaced from time to time, so that a new server behind the name gets its share.
    maxMessages: 1000,
    // For messages that the server has not started to receive: a pooled connection may be dead when it is needed.
    maxRequeues: 2,
    connectionTimeout: connect,
    greetingTimeout: connect,
    dnsTimeout: connect,
    socketTimeout: reply,
    idleTimeout: 30_000,
    socketCloseTimeout: 1000,
    ...(settings.lookup ? { getSocket: connectBy(settings.lookup, connect) } : {}),
    // Off, because it would log addresses.
    logger: false,
  });
  const sending = new Set<Promise<unknown>>();
  const tidy = (text: string) => tidyResponse(text, connection.auth?.pass);

  async function send(
    { target, message, sender, idempotencyKey, unsubscribeUrl }: Outgoing,
    signal: AbortSignal,
    mayHandOver: () => boolean,
  ): Promise<SendOutcome> {
    const from = (sender === undefined ? undefined : parseMailbox(sender)) ?? ownSender;
    const recipient = target.kind === 'email' ? toMailAddress(target.address) : undefined;
    if (recipient === undefined) return { kind: 'rejected', reason: 'the address is not a valid email address' };
    const messageId = `${idempotencyKey.replace(/[^\w.+-]/gu, encodeCharacter)}@${domain}`;
    const fault = findAttachmentFault(message.attachments);
    if (fault !== undefined) return { kind: 'rejected', reason: fault };
    const unsigned = buildMail({ from, to: recipient, replyTo, messageId, date: new Date(), unsubscribeUrl, message });
    const raw = dkimKey ? await signMail(dkimKey, unsigned) : unsigned;
    const envelope = { from: from.address, to: recipient, size: raw.length };
    const mail = new PooledMail({
      envelope,
      messageId,
      raw,
      signal,
      mayHandOver,
      offersUtf8: () => offersUtf8(pool, mail),
    });
    return new Promise((resolve) => {
      // The pool uses only what PooledMail has; its parameter type is nodemailer's composer.
      pool.send(mail as unknown as Parameters<typeof pool.send>[0], (error, info) => {
        if (mail.isStopped) resolve(STOPPED);
        else if (mail.utf8Rejected) resolve(utf8Outcome(from.address));
        else if (error) resolve(toFailureOutcome(error as SmtpFailure, mail.sentWhole, tidy));
        else resolve({ kind: 'sent', providerMessageId: messageId, response: tidy(info?.response ?? '') });
      });
    });
  }

  return {
    name: 'smtp',
    channels: ['email'],
    concurrency: size,
    keepsMessage: true,
    send(outgoing, signal, mayHandOver = () => true) {
      const sent = send(outgoing, signal, mayHandOver);
      sending.add(sent);
      return sent.finally(() => sending.delete(sent));
    },
    check: (signal) => checkLogin(pool, signal),
    async close() {
      pool.close();
      const stuck = setTimeout(() => pool.close({ force: true }), 5000);
      await Promise.allSettled(sending);
      clearTimeout(stuck);
    },
  };
}

/** Connects and logs in, and ends the connection: nothing is sent. */
async function checkLogin(pool: SMTPPool, signal: AbortSignal): Promise<CheckResult> {
  const stopped = new Promise<CheckResult>((resolve) => {
    const stop = () => resolve({ ok: false, reason: 'the mail server did not respond in time; check host and port' });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  const checked = new Promise<CheckResult>((resolve) => {
    pool.verify((error) => {
      if (!error) return resolve({ ok: true });
      const outcome = toFailureOutcome(error as SmtpFailure, false, () => '');
      const reason = 'reason' in outcome ? outcome.reason : 'the mail server cannot be used';
      resolve({ ok: false, reason: `${reason}; check host, port, user name and password` });
    });
  });
  return Promise.race([checked, stopped]);
}

/** The outcome of a message that was no longer to be handed over. */
const STOPPED: SendOutcome = { kind: 'retry', reason: 'the message was not handed over: too much time had passed' };

/** The parts of nodemailer's pool that tell which connection has a message, and what its server offers; not in its types. */
interface PoolInternals {
  readonly _connections: readonly {
    readonly queueEntry?: { readonly mail: unknown } | false;
    readonly connection?: { readonly _supportedExtensions: readonly string[] };
  }[];
}

function offersUtf8(pool: SMTPPool, mail: PooledMail): boolean {
  const { _connections: all } = pool as unknown as PoolInternals;
  const own = all.find(({ queueEntry }) => queueEntry && queueEntry.mail === mail);
  return own?.connection?._supportedExtensions.includes('SMTPUTF8') ?? false;
}

function utf8Outcome(from: string): SendOutcome {
  return /\P{ASCII}/u.test(from)
    ? { kind: 'misconfigured', reason: 'the mail server does not accept a sender outside ASCII (no SMTPUTF8)' }
    : { kind: 'rejected', reason: 'the mail server does not accept addresses outside ASCII (no SMTPUTF8)' };
}

function parseSender(text: string): Mailbox {
  const mailbox = parseMailbox(text);
  if (mailbox) return mailbox;
  throw new ConfigError('TIDINGS_MAIL_FROM must be one sender, like "Tidings <tidings@example.com>"');
}

/** Returns the reply of a server in one line, without addresses, which servers often quote, and without our password. */
function tidyResponse(response: string, password: string | undefined): string {
  const line = response.slice(0, 1000).replace(/\s+/g, ' ').trim();
  const withoutPassword = password ? line.replaceAll(password, '…') : line;
  return withoutPassword
    .split(' ')
    .map((word) => (/@|%(?:25)*40/i.test(word) ? '…' : word))
    .join(' ')
    .slice(0, 500);
}

function encodeCharacter(character: string): string {
  return Buffer.from(character).toString('hex').replace(/../g, '%$&');
}
