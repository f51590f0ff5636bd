import { Readable } from 'node:stream';
import SMTPPool from 'nodemailer/lib/smtp-pool';
import { ConfigError } from '../../errors.ts';
import { type Mailbox, parseMailbox, toMailAddress } from '../../lib/text/mailbox.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { Outgoing, Provider } from '../provider.ts';
import { buildMail } from './mime.ts';
import { type SmtpFailure, toFailureOutcome } from './smtp-outcome.ts';
import { parseSmtpUrl } from './smtp-url.ts';

export interface SmtpSettings {
  /** See smtp-url.ts. */
  readonly url: string;
  /** `Name <address>`: the visible sender, and the address for bounces. */
  readonly from: string;
  /** Number of connections, and of sends at once. Default 5. */
  readonly pool?: number;
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
    // Off, because it would log addresses.
    logger: false,
  });
  const sending = new Set<Promise<unknown>>();
  const tidy = (text: string) => tidyResponse(text, connection.auth?.pass);

  async function send(
    { to, message, sender, idempotencyKey }: Outgoing,
    signal: AbortSignal,
    mayHandOver: () => boolean,
  ): Promise<SendOutcome> {
    const from = (sender === undefined ? undefined : parseMailbox(sender)) ?? ownSender;
    const recipient = to === undefined ? undefined : toMailAddress(to);
    if (recipient === undefined) return { kind: 'rejected', reason: 'the address is not a valid email address' };
    const messageId = `${idempotencyKey.replace(/[^\w.+-]/gu, encodeCharacter)}@${domain}`;
    const raw = buildMail({ from, to: recipient, messageId, date: new Date(), message });
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
        else if (mail.utf8Refused) resolve(utf8Outcome(from.address));
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
  /** Size of the message in bytes; the server may reject it by this alone. */
  readonly size: number;
}

/** The outcome of a message that was no longer to be handed over. */
const STOPPED: SendOutcome = { kind: 'retry', reason: 'the message was not handed over: too much time had passed' };

interface MailParts {
  readonly envelope: Envelope;
  readonly messageId: string;
  readonly raw: Buffer;
  readonly signal: AbortSignal;
  readonly mayHandOver: () => boolean;
  /** Returns whether the server of the connection that the message is on offers SMTPUTF8. */
  readonly offersUtf8: () => boolean;
}

/** Bytes of a message that are written at once. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A message as the pool needs it: the envelope, and the bytes once per try. Before each step that the server sees (`MAIL FROM`,
 * and each part of the content) it asks whether the message may still be handed over: a connection may have taken long. Without
 * its last byte no server accepts a message.
 */
class PooledMail {
  readonly data: { readonly signal: AbortSignal };
  readonly message = this;
  readonly #parts: MailParts;
  #utf8Refused = false;
  #isStopped = false;
  #stream: Readable | undefined;

  constructor(parts: MailParts) {
    this.#parts = parts;
    this.data = { signal: parts.signal };
  }

  /** Whether the stream has ended. Only then is the final dot sent, before which no server accepts the message. */
  get sentWhole(): boolean {
    return this.#stream?.readableEnded ?? false;
  }

  /** Whether the message was not handed over, because that was no longer allowed. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whether the message was not sent, because its addresses need SMTPUTF8 (RFC 6531), which the server does not offer. */
  get utf8Refused(): boolean {
    return this.#utf8Refused;
  }

  /** Returns a new object each time, because the connection modifies it. Without recipients nothing is sent. */
  getEnvelope() {
    const { envelope, mayHandOver, offersUtf8 } = this.#parts;
    this.#isStopped = !mayHandOver();
    this.#utf8Refused = /\P{ASCII}/u.test(envelope.from + envelope.to) && !offersUtf8();
    return { ...envelope, to: this.#isStopped || this.#utf8Refused ? [] : [envelope.to] };
  }

  getHeader(): string {
    return this.messageId();
  }

  messageId(): string {
    return `<${this.#parts.messageId}>`;
  }

  createReadStream(): Readable {
    const { raw, mayHandOver } = this.#parts;
    let at = 0;
    const stream = new Readable({
      read: () => {
        if (!mayHandOver()) {
          this.#isStopped = true;
          stream.destroy(new Error('stopped'));
          return;
        }
        stream.push(raw.subarray(at, at + CHUNK_BYTES));
        at += CHUNK_BYTES;
        if (at >= raw.length) stream.push(null);
      },
    });
    this.#stream = stream;
    return stream;
  }
}

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
