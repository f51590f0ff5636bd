import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Config } from '../config.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Cleanup } from './cleanup.ts';
import type { ProcessDatabase } from './open-database.ts';
import type { OpenClient } from './open-providers.ts';

/** Parts that every process has, whatever its roles. */
export interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly cleanup: Cleanup;
  readonly database: ProcessDatabase;
  /** The clock of the database. */
  readonly clock: () => Millis;
  /** Whether this process may act now: not while its clock is wrong. */
  readonly mayAct: () => boolean;
  readonly seal: Seal;
  readonly catalogs: CatalogCache;
  readonly pipeline: Pipeline;
  readonly openClient: OpenClient;
  /** Whether there is a URL for the links that readers of messages follow. */
  readonly hasReaderUrl: boolean;
  /** Returns this URL; null: there is no URL for them, or the API does not listen yet. */
  readonly readerUrl: () => string | null;
}
