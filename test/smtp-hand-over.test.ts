import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { never, outgoing } from './support/channel-contract.ts';

/** A message is handed over only while it may be, however long the connection took before. */

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A mail server that waits at a step until it is released, and notes the commands and the content that it gets. */
async function waitingServer(step: 'greeting' | 'DATA') {
  const seen: string[] = [];
  let release = () => {};
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const pass = async (at: string) => {
    if (at !== step) return;
    reach();
    await released;
  };
  const server = createServer(async (socket: Socket) => {
    ends.push(() => void socket.destroy());
    socket.on('error', () => {});
    socket.setEncoding('utf8');
    await pass('greeting');
    socket.write('220 here\r\n');
    let isContent = false;
    socket.on('data', async (text: string) => {
      seen.push(text.slice(0, 4).trim());
      if (isContent && !text.endsWith('\r\n.\r\n')) return;
      if (isContent) isContent = false;
      else if (text.startsWith('DATA')) {
        await pass('DATA');
        isContent = true;
        socket.write('354 go\r\n');
        return;
      }
      socket.write('250 fine\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => void server.close());
  const { port } = server.address() as { port: number };
  return { url: `smtp://127.0.0.1:${port}`, seen, reached, release };
}

test.each([
  ['greeting', ['MAIL', 'RCPT', 'DATA']],
  ['DATA', ['From', 'Date', 'Mess']],
] as const)('nothing is handed over after a %s that took too long', async (step, unwanted) => {
  const server = await waitingServer(step);
  const provider = smtpProvider({ url: server.url, from: 'bank@example.com', pool: 1 });
  ends.push(() => provider.close());
  let may = true;
  const sent = provider.send(outgoing(), never(), () => may);
  await server.reached;
  may = false;
  server.release();
  expect(await sent).toMatchObject({ kind: 'retry', reason: expect.stringContaining('not handed over') });
  for (const command of unwanted) expect(server.seen).not.toContain(command);
});

test('a connection that a stopped message leaves behind delivers the next one', async () => {
  const server = await waitingServer('greeting');
  server.release();
  const provider = smtpProvider({ url: server.url, from: 'bank@example.com', pool: 1 });
  ends.push(() => provider.close());
  expect(await provider.send(outgoing(), never(), () => false)).toMatchObject({ kind: 'retry' });
  expect(await provider.send(outgoing(), never(), () => true)).toMatchObject({ kind: 'sent' });
});

test('a message of many parts arrives whole', async () => {
  const server = await waitingServer('greeting');
  server.release();
  const provider = smtpProvider({ url: server.url, from: 'bank@example.com', pool: 1 });
  ends.push(() => provider.close());
  const message = { subject: 'x', text: 'line\n'.repeat(100_000) };
  let asked = 0;
  const outcome = await provider.send(outgoing({ message } as never), never(), () => ++asked > 0);
  expect(outcome).toMatchObject({ kind: 'sent' });
  expect(asked).toBeGreaterThan(5);
});
