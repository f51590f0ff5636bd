import { once } from 'node:events';
import { createServer } from 'node:net';
import { ConfigError } from '../errors.ts';
import type { App } from './app.ts';

/**
 * Checks that a server can listen there, before a start has changed anything.
 * @param port 0: any free one
 * @throws ConfigError
 */
export async function checkPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, 'listening');
    probe.close();
    await once(probe, 'close');
  } catch (error) {
    throw toConfigError(error, host, port);
  }
}

/** Listens, and returns the URL of the server. @throws ConfigError */
export async function listen(app: App, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw toConfigError(error, host, port);
  }
  const address = app.server.address();
  return `http://${host.includes(':') ? `[${host}]` : host}:${typeof address === 'object' ? address?.port : port}`;
}

function toConfigError(error: unknown, host: string, port: number): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `Port ${port} is in use, perhaps by another Tidings: stop that program, or set PORT to a free port. Nothing was changed.`,
      );
    case 'EACCES':
      return new ConfigError(`Port ${port} needs more privileges: set PORT to a port from 1024 on.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`HOST is ${host}, which is not an address of this machine.`);
    default:
      return error;
  }
}
