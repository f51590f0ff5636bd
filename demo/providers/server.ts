import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { StandIns } from './stand-ins.ts';

/** Serves the stand-ins on this machine. Returns what ends them, and the port. @param port 0: a free one */
export async function serveStandIns(
  standIns: StandIns,
  port: number,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const { status, headers, body: answer = '' } = standIns.answer(request.url ?? '', body);
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
      },
      () => request.destroy(),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
