/** An SMTP server that takes every message and forgets it. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

process.once('message', () => {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, _session, done) {
      stream.on('end', () => done());
      stream.resume();
    },
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit(0));
});
