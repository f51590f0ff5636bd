import { Readable } from 'node:stream';
import SMTPPool from 'nodemailer/lib/smtp-pool';
import { ConfigError } from '../../errors.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { Outgoing, Provider } from '../provider.ts';
import { type Mailbox, mailAddress, readMailbox } from './address.ts';
import { buildMail } from './mime.ts';
import { failureOutcome, type SmtpFailure } from './smtp-outcome.ts';
import { readSmtpUrl } from './smtp-url.ts';

export interface SmtpSettings {
  /** As smtp-url.ts reads it. */
  readonly url: string;
  /** `Name <address>`: the sender people see, and where bounces go. */
  readonly from: string;
  /** Connections, and with it sends at once. */
  readonly pool?: number;
  readonly timeouts?: {
    /** To connect, and again to be greeted. */
    readonly setUp?: Millis;
    /** Without a word from the server; well below what a send may take. */
    readonly silence?: Millis;
  };
}

/**
 * E-mail by SMTP over a pool of kept connections. Each message has a `Message-ID` made of its idempotency key, the same
 * in every attempt. Throws `ConfigError` when `url` or `from` cannot be read; connects when there is something to send.
 */
export function smtpProvider(settings: SmtpSettings): Provider {
  const connection = readSmtpUrl(settings.url);
  const from = readSender(settings.from);
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  const { pool: size = 5, timeouts: { setUp = 10_000, silence = 50_000 } = {} } = settings;
  const pool = new SMTPPool({
    ...connection,
    maxConnections: size,
    // A connection is replaced now and then, so that a new server behind the name gets its share.
    maxMessages: 1000,
    // Only what the server has not begun to see is queued again: a kept connection may be gone when it is needed.
    maxRequeues: 2,
    connectionTimeout: setUp,
    greetingTimeout: setUp,
    dnsTimeout: setUp,
    socketTimeout: silence,
    idleTimeout: 30_000,
    socketCloseTimeout: 1000,
    // It would write addresses.
    logger: false,
  });
  const sending = new Set<Promise<unknown>>();
  const tidy = (text: string) => tidyResponse(text, connection.auth?.pass);

  async function send({ to, message, idempotencyKey }: Outgoing, signal: AbortSignal): Promise<SendOutcome> {
    const recipient = to === undefined ? undefined : mailAddress(to);
    if (recipient === undefined) return { kind: 'rejected', reason: 'this is no address that mail can be sent to' };
    const messageId = `${idempotencyKey.replace(/[^\w.+-]/gu, encodeCharacter)}@${domain}`;
    const raw = buildMail({ from, to: recipient, messageId, date: new Date(), message });
    const mail = new PooledMail({ from: from.address, to: recipient, size: raw.length }, messageId, raw, signal);
    return new Promise((resolve) => {
      // The pool asks no more of a message than PooledMail has; its type names all of nodemailer's composer.
      pool.send(mail as unknown as Parameters<typeof pool.send>[0], (error, info) => {
        if (error) resolve(failureOutcome(error as SmtpFailure, mail.sentWhole, tidy));
        else resolve({ kind: 'delivered', providerMessageId: messageId, response: tidy(info?.response ?? '') });
      });
    });
  }

  return {
    name: 'smtp',
    channels: ['email'],
    concurrency: size,
    keepsMessage: true,
    send(outgoing, signal) {
      const sent = send(outgoing, signal);
      sending.add(sent);
      return sent.finally(() => sending.delete(sent));
    },
    async close() {
      pool.close();
      const stuck = setTimeout(() => pool.close({ force: true }), 5000);
      await Promise.allSettled(sending);
      clearTimeout(stuck);
    },
  };
}

interface Envelope {
  readonly from: string;
  readonly to: string;
  /** In bytes; the server may say at once that it is too much. */
  readonly size: number;
}

/** What the pool needs of a message: the envelope, and the bytes as often as it tries. */
class PooledMail {
  readonly data: { readonly signal: AbortSignal };
  readonly message = this;
  readonly #envelope: Envelope;
  readonly #messageId: string;
  readonly #raw: Buffer;
  #stream: Readable | undefined;

  constructor(envelope: Envelope, messageId: string, raw: Buffer, signal: AbortSignal) {
    this.#envelope = envelope;
    this.#messageId = messageId;
    this.#raw = raw;
    this.data = { signal };
  }

  /** The final dot follows the end of the stream: before it no server can have taken the message. */
  get sentWhole(): boolean {
    return this.#stream?.readableEnded ?? false;
  }

  /** A new one each time: the connection writes into it. */
  getEnvelope() {
    return { ...this.#envelope, to: [this.#envelope.to] };
  }

  getHeader(): string {
    return this.messageId();
  }

  messageId(): string {
    return `<${this.#messageId}>`;
  }

  createReadStream(): Readable {
    const raw = this.#raw;
    this.#stream = new Readable({
      read() {
        this.push(raw);
        this.push(null);
      },
    });
    return this.#stream;
  }
}

function readSender(text: string): Mailbox {
  const mailbox = readMailbox(text);
  if (mailbox) return mailbox;
  throw new ConfigError('TIDINGS_MAIL_FROM must be one sender, like "Tidings <tidings@example.com>"');
}

/** Servers like to quote the address, on one of several lines. */
function tidyResponse(response: string, password: string | undefined): string {
  const line = response.slice(0, 1000).replace(/\s+/g, ' ').trim();
  const withoutPassword = password ? line.replaceAll(password, '…') : line;
  return withoutPassword
    .split(' ')
    .map((word) => (word.includes('@') ? '…' : word))
    .join(' ')
    .slice(0, 500);
}

function encodeCharacter(character: string): string {
  return Buffer.from(character).toString('hex').replace(/../g, '%$&');
}
