import { once } from 'node:events';
import { createServer } from 'node:net';
import { ConfigError } from '../errors.ts';
import type { Health } from '../health/health.ts';
import type { WriteMetrics } from '../telemetry/telemetry.ts';
import type { App } from './app.ts';
import { type HealthServer, serveHealth } from './health-server.ts';

/** Port for probes of a process without the API, if none is configured. */
const DEFAULT_HEALTH_PORT = 8001;

/**
 * Checks that a server can listen there, before a start has changed anything.
 * @param port 0: any free one
 * @param setting that names the port
 * @throws ConfigError
 */
export async function checkPort(host: string, port: number, setting = 'PORT'): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, 'listening');
    probe.close();
    await once(probe, 'close');
  } catch (error) {
    throw toConfigError(error, host, port, setting);
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

/**
 * Serves the health of a process without the API.
 * @param port null: DEFAULT_HEALTH_PORT, or if that is in use any free one, so that several workers run beside each other
 * @throws ConfigError
 */
export async function listenForProbes(
  health: Health,
  host: string,
  port: number | null,
  writeMetrics: WriteMetrics | null,
): Promise<HealthServer> {
  try {
    return await serveHealth(health, host, port ?? DEFAULT_HEALTH_PORT, writeMetrics);
  } catch (error) {
    if (port === null && (error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      return serveHealth(health, host, 0, writeMetrics);
    throw toConfigError(error, host, port ?? DEFAULT_HEALTH_PORT, 'TIDINGS_HEALTH_PORT');
  }
}

function toConfigError(error: unknown, host: string, port: number, setting = 'PORT'): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `Port ${port} is in use, perhaps by another Tidings: stop that program, or set ${setting} to a free port. Nothing was changed.`,
      );
    case 'EACCES':
      return new ConfigError(`Port ${port} needs more privileges: set ${setting} to a port from 1024 on.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`HOST is ${host}, which is not an address of this machine.`);
    default:
      return error;
  }
}
