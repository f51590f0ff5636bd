import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';

/** What the routes are made of. */
export interface HttpDependencies {
  readonly pipeline: Pipeline;
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly apiKeys: readonly string[];
  readonly log: Logger;
  /** Where the built console is; it may be missing. */
  readonly consoleDir: string;
  readonly state: {
    readonly stopping: boolean;
    /** How the workers of this process stand; empty without any. */
    workers(): { readonly [part: string]: string };
  };
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
