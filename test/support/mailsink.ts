import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

export interface Mail {
  /** Without the angle brackets. */
  readonly messageId: string;
  readonly from: string;
  /** The recipients of the envelope, joined by commas. */
  readonly to: string;
  /** The bytes as received, without dot stuffing; null if they are not kept. */
  readonly raw: Buffer | null;
  readonly overTls: boolean;
}

/** Failures of the sink from now on. */
export interface Trouble {
  /** The reply instead of 250 at that step. */
  readonly mail?: ErrorReply;
  readonly rcpt?: ErrorReply;
  /** The reply after the whole message was received. */
  readonly data?: ErrorReply;
  /** Closes the connection without a reply: to MAIL, or after the whole message. */
  readonly hangUp?: 'mail' | 'data';
}

export interface ErrorReply {
  readonly code: number;
  readonly text: string;
  /** Only of these recipients; default: all. For `rcpt`. */
  readonly of?: RegExp;
}

export interface MailSink {
  readonly url: string;
  readonly port: number;
  /** All mails in order of arrival, rejected ones included. */
  readonly mails: readonly Mail[];
  /** Returns the recipients that were named, also of rejected messages. */
  recipients(): string[];
  /** Number of connections since the start. */
  readonly connections: () => number;
  /** Returns the number of mails with this ID. */
  count(messageId: string): number;
  trouble(trouble: Trouble): void;
  /** Withholds the reply to messages until the returned function is called. */
  hold(): () => void;
  /** Closes all connections at once. */
  close(): Promise<void>;
}

export interface MailSinkSettings {
  /** Keeps the bytes of each message, to be read with `readMail`. */
  readonly keep?: boolean;
  /** Default: any free port. */
  readonly port?: number;
  /** Offers STARTTLS, with a self-signed certificate. */
  readonly tls?: boolean;
  /** Offers SMTPUTF8. Default: it does. */
  readonly utf8?: boolean;
  /** The credentials that senders must use. */
  readonly login?: { readonly user: string; readonly pass: string };
}

/**
 * Starts a mail server that accepts and remembers all messages; a message is remembered before its sender receives "250".
 * @param thinks returns the delay of the reply to a message, in ms
 */
export async function mailSink(thinks: () => number = () => 0, settings: MailSinkSettings = {}): Promise<MailSink> {
  const { keep = false, port: wanted = 0, tls = false, utf8 = true, login } = settings;
  const mails: Mail[] = [];
  const sockets = new Map<number, Socket>();
  let connections = 0;
  const recipients: string[] = [];
  let held = Promise.resolve();
  let trouble: Trouble = {};
  const hangUp = (session: SMTPServerSession) => sockets.get(session.remotePort)?.destroy();

  const server = new SMTPServer({
    authOptional: login === undefined,
    disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    size: 10_000_000,
    hideSMTPUTF8: !utf8,
    logger: false,
    onAuth({ username, password }, _session, done) {
      if (username === login?.user && password === login?.pass) return done(null, { user: username });
      // A careless server quotes the credentials.
      done(toError({ code: 535, text: `5.7.8 ${username} with ${password} is unknown here` }));
    },
    onMailFrom(_address, session, done) {
      if (trouble.hangUp === 'mail') return void hangUp(session);
      done(toError(trouble.mail));
    },
    onRcptTo({ address }, _session, done) {
      recipients.push(address);
      done(trouble.rcpt?.of?.test(address) === false ? null : toError(trouble.rcpt));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        // Only the headers, unless the mail is kept. Long headers are folded, but an ID is not.
        if (keep || size < 8192) chunks.push(chunk);
        size += chunk.length;
      });
      stream.on('end', () => {
        const raw = Buffer.concat(chunks);
        const [, messageId = ''] = /^message-id:\s*<([^>]+)>/im.exec(raw.toString('latin1', 0, 8192)) ?? [];
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        const to = rcptTo.map(({ address }) => address).join(',');
        mails.push({ messageId, from, to, raw: keep ? raw : null, overTls: session.secure });
        if (trouble.hangUp === 'data') return void hangUp(session);
        const answer = toError(trouble.data);
        setTimeout(() => void held.then(() => done(answer)), thinks());
      });
    },
  });
  server.server.on('connection', (socket: Socket) => {
    connections++;
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.on('close', () => sockets.delete(port));
  });
  // Clients are killed while they send.
  server.on('error', () => {});
  server.listen(wanted, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;

  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    mails,
    connections: () => connections,
    recipients: () => recipients,
    count: (messageId) => mails.filter((mail) => mail.messageId === messageId).length,
    trouble(next) {
      trouble = next;
    },
    hold() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close() {
      for (const socket of sockets.values()) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Parses a kept mail as a mail program does. Throws if it was not kept. */
export function readMail(mail: Mail | undefined): Promise<ParsedMail> {
  if (!mail?.raw) throw new Error('this mail was not kept');
  return simpleParser(mail.raw);
}

function toError(of: ErrorReply | undefined): Error | null {
  return of === undefined ? null : Object.assign(new Error(of.text), { responseCode: of.code });
}
