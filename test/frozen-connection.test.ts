import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { useDeliveryProcesses } from './support/delivery-processes.ts';
import { mailSink } from './support/mailsink.ts';

vi.setConfig({ testTimeout: 120_000 });

const LEASE_MS = 2000;
const prepare = useDeliveryProcesses();

/** A gate before a mail server: the first connection gets its greeting when it is opened, the others at once. */
async function gateBefore(port: number) {
  let found: (open: () => void) => void = () => {};
  const first = new Promise<() => void>((resolve) => {
    found = resolve;
  });
  let count = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const pass = () => {
      const inner = connect(port, '127.0.0.1');
      sockets.push(inner);
      inner.on('error', () => socket.destroy());
      socket.pipe(inner).pipe(socket);
    };
    sockets.push(socket);
    socket.on('error', () => {});
    if (++count === 1) found(pass);
    else pass();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `smtp://127.0.0.1:${(server.address() as { port: number }).port}`, first, close };
}

test('a process that is frozen while it connects does not hand over what another process has sent since', async () => {
  const sink = await mailSink();
  const gate = await gateBefore(sink.port);
  const processes = await prepare({ ...sink, url: gate.url }, LEASE_MS);
  const { program: frozen, url } = await processes.start('start');
  await processes.postEmails(url, 'mail', 1);
  const open = await gate.first;
  frozen.kill('SIGSTOP');
  await processes.start('workers');
  await expect.poll(() => processes.countByStatus(), { timeout: 60_000 }).toEqual({ sent: 1 });
  open();
  frozen.kill('SIGCONT');
  await pause(2 * LEASE_MS);
  expect(sink.mails.length).toBe(1);
  gate.close();
  await sink.close();
});
