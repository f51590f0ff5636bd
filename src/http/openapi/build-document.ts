import pino from 'pino';
import type { HttpDependencies } from '../app.ts';
import { buildServer } from '../server.ts';

/** Returns the OpenAPI document of the API: from the routes alone, without a database. */
export async function buildApiDocument(): Promise<object> {
  // Routes use the parts when they are called, which they are not.
  const dependencies = {
    apiKeys: [],
    database: {},
    oidc: null,
    publicUrl: null,
    consoleDir: '',
    state: {},
    log: pino({ level: 'silent' }),
  };
  const app = await buildServer(dependencies as unknown as HttpDependencies);
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}
