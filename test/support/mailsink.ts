import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

export interface Mail {
  /** Without the angle brackets. */
  readonly messageId: string;
  readonly from: string;
  /** As in the envelope; several are joined by commas. */
  readonly to: string;
  /** As it came over the wire, without dot stuffing; null unless it is kept. */
  readonly raw: Buffer | null;
  readonly overTls: boolean;
}

/** What goes wrong, from now on. */
export interface Trouble {
  /** Answered instead of 250 at that step. */
  readonly mail?: Refusal;
  readonly rcpt?: Refusal;
  /** After the message was taken in whole. */
  readonly data?: Refusal;
  /** Hangs up without a word: instead of answering MAIL, or when it has the whole message. */
  readonly hangUp?: 'mail' | 'data';
}

export interface Refusal {
  readonly code: number;
  readonly text: string;
}

export interface MailSink {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came, refused ones too. */
  readonly mails: readonly Mail[];
  /** Connections there ever were. */
  readonly connections: () => number;
  /** How many of the mails have this id. */
  count(messageId: string): number;
  trouble(trouble: Trouble): void;
  /** From now on the sink takes messages and does not say so, until the returned function is called. */
  hold(): () => void;
  /** Hangs up on everybody at once. */
  close(): Promise<void>;
}

export interface MailSinkSettings {
  /** Keeps the bytes of each message, to be read with `readMail`. */
  readonly keep?: boolean;
  /** Default: any that is free. */
  readonly port?: number;
  /** Offers STARTTLS, with a certificate nobody signed. */
  readonly tls?: boolean;
  /** Whoever sends must be this one. */
  readonly login?: { readonly user: string; readonly pass: string };
}

/**
 * A mail server that takes everything and remembers what it took; a message counts before its sender hears "250".
 * @param thinks how long it thinks about a message before it says so, in milliseconds
 */
export async function mailSink(thinks: () => number = () => 0, settings: MailSinkSettings = {}): Promise<MailSink> {
  const { keep = false, port: wanted = 0, tls = false, login } = settings;
  const mails: Mail[] = [];
  const sockets = new Map<number, Socket>();
  let connections = 0;
  let held = Promise.resolve();
  let trouble: Trouble = {};
  const hangUp = (session: SMTPServerSession) => sockets.get(session.remotePort)?.destroy();

  const server = new SMTPServer({
    authOptional: login === undefined,
    disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    size: 10_000_000,
    logger: false,
    onAuth({ username, password }, _session, done) {
      if (username === login?.user && password === login?.pass) return done(null, { user: username });
      // A careless server quotes what it was told.
      done(refusal({ code: 535, text: `5.7.8 ${username} with ${password} is nobody here` }));
    },
    onMailFrom(_address, session, done) {
      if (trouble.hangUp === 'mail') return void hangUp(session);
      done(refusal(trouble.mail));
    },
    onRcptTo(_address, _session, done) {
      done(refusal(trouble.rcpt));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        // Headers only unless it is kept; long ones are folded, but an id is not.
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
        const answer = refusal(trouble.data);
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
  // Clients are killed in the middle of a word.
  server.on('error', () => {});
  server.listen(wanted, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;

  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    mails,
    connections: () => connections,
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

/** A kept mail as a mail program reads it. */
export function readMail(mail: Mail | undefined): Promise<ParsedMail> {
  if (!mail?.raw) throw new Error('this mail was not kept');
  return simpleParser(mail.raw);
}

function refusal(of: Refusal | undefined): Error | null {
  return of === undefined ? null : Object.assign(new Error(of.text), { responseCode: of.code });
}
