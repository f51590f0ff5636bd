import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { PrepareRetried } from '../ingest/retry-rejected.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { ChunkResult, Computed, JobPreview, JobScope, JobTrial } from '../model/job.ts';
import type { Actor } from '../model/principal.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Correction } from './correction.ts';

/** Services that job actions use. */
export interface JobParts {
  readonly pool: pg.Pool;
  readonly pipeline: Pipeline;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
  /** Makes rejected items what is ingested again; absent: they are that. */
  readonly prepare?: PrepareRetried;
}

/** One chunk of a job to run. */
export interface Chunk<F> {
  readonly scope: JobScope<F>;
  /** Whoever started the job. */
  readonly actor: Actor;
  /** Position after the chunk before; null: this is the first. */
  readonly cursor: JsonObject | null;
  readonly patch: JsonObject | null;
  readonly compute?: Computed | null;
  /** Items to change, at most. */
  readonly limit: number;
}

/**
 * An action of a job on its items. A chunk may be run again after a crash, by any process: only what it does in `commit` counts,
 * and what it does before must be harmless when repeated.
 */
export interface JobAction<F> {
  /** Checks the filter against the catalog. Throws a TidingsError if the job could not do anything. */
  check?(parts: JobParts, scope: JobScope<F>): Promise<void>;

  preview(parts: JobParts, scope: JobScope<F>): Promise<JobPreview>;

  /** Does it to some items, and stores nothing. Absent: it cannot be tried. */
  try?(parts: JobParts, scope: JobScope<F>, correction: Correction): Promise<JobTrial>;

  /** @param commit runs its argument in the transaction that also writes the progress */
  runChunk(
    parts: JobParts,
    chunk: Chunk<F>,
    commit: (work: (connection: pg.PoolClient) => Promise<ChunkResult>) => Promise<void>,
  ): Promise<void>;
}
