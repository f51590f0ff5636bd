/** An HTTP server that takes every request and forgets it; one to a path that begins with /slow is answered after a while. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const SLOW_MS = 10_000;

process.once('message', () => {
  const server = createServer((request, response) => {
    const answer = () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"id":"m-1"}');
    };
    request.on('end', () => (request.url?.startsWith('/slow') ? setTimeout(answer, SLOW_MS) : answer()));
    request.resume();
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit(0));
});
