import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  /** Without the angle brackets. */
  readonly messageId: string;
  readonly to: string;
}

export interface MailSink {
  readonly url: string;
  readonly mails: readonly Mail[];
  /** From now on the sink takes messages and does not say so, until the returned function is called. */
  hold(): () => void;
  close(): Promise<void>;
}

/**
 * A mail server that takes everything and remembers what it took; a message counts before its sender hears "250".
 * @param thinks how long it thinks about a message before it says so, in milliseconds
 */
export async function mailSink(thinks: () => number = () => 0): Promise<MailSink> {
  const mails: Mail[] = [];
  let held = Promise.resolve();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData(stream, session, done) {
      let head = '';
      stream.on('data', (chunk: Buffer) => {
        // Headers only; long ones are folded, but an id is not.
        if (head.length < 8192) head += chunk.toString('latin1');
      });
      stream.on('end', () => {
        const [, messageId = ''] = /^message-id:\s*<([^>]+)>/im.exec(head) ?? [];
        mails.push({ messageId, to: session.envelope.rcptTo.map(({ address }) => address).join(',') });
        setTimeout(() => void held.then(() => done()), thinks());
      });
    },
  });
  // Clients are killed in the middle of a word.
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    hold() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
