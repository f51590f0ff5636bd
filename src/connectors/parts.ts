import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import type { CardReferences } from './cards/card-references.ts';
import type { EnvironmentSecrets } from './find-secrets.ts';

/** Parts that work on tasks of connectors. */
export interface ConnectorParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly environment: EnvironmentSecrets;
  readonly clock: () => Millis;
  /** Returns a number from 0 (inclusive) to 1 (exclusive), for pauses. */
  readonly random: () => number;
  /** Ingests events like posted ones. Returns a result for each, in order. Throws if it is too busy. */
  readonly pipeline: {
    ingest(
      tenantId: string,
      items: readonly unknown[],
      quarantineRejected?: boolean,
    ): Promise<readonly { readonly status: string; readonly code?: string; readonly message?: string }[]>;
  };
  /** For the URLs of the catalog: no private addresses but those that the operator allows. */
  readonly client: GuardedClient;
  readonly references: CardReferences;
}
