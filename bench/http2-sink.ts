/** An HTTP/2 server that accepts every push message and forgets it. */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

process.once('message', () => {
  const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'apns-id': headers['apns-id'] ?? 'x' });
      stream.end();
    });
    stream.resume();
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit(0));
});
