import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import type { Rejection } from '../events/envelope.ts';
import type { Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import type { Seal } from '../privacy/seal.ts';
import { openRejected, removeRejected } from '../store/rejected.ts';
import type { Pipeline } from './pipeline.ts';
import { type EventResult, toRejectedResult } from './results.ts';

/** Returns a rejected item, or a correction of it, as it is ingested again; or why it cannot be. */
export type PrepareRetried = (
  tenantId: string,
  item: unknown,
  original: unknown,
) => Promise<{ readonly item: unknown } | { readonly rejection: Rejection }>;

export interface RetryParts {
  readonly pipeline: Pipeline;
  readonly prepare: PrepareRetried;
  readonly pool: pg.Pool;
  readonly seal: Seal;
  readonly clock: () => Millis;
}

export interface RetryRejectedCommand {
  readonly tenantId: string;
  readonly rejectedId: string;
  /** The caller's name for the audit log. */
  readonly actor: Actor;
  /** Returns the event to ingest instead of the rejected one; undefined: the event is ingested as it was. */
  readonly correct: ((original: unknown) => { readonly item: unknown } | { readonly rejection: Rejection }) | undefined;
  /** Size of the event. */
  readonly bytes: number;
}

/**
 * Ingests a rejected event again and removes it from the quarantine if it is accepted now. A correction that is rejected as
 * well is not quarantined: the first event stays until one is accepted.
 * @throws TidingsError `not_found` if the quarantine does not have the event; otherwise as `Pipeline.ingest`
 */
export async function retryRejected(parts: RetryParts, command: RetryRejectedCommand): Promise<EventResult[]> {
  const { pipeline, pool, seal, clock } = parts;
  const { tenantId, rejectedId, actor, correct, bytes } = command;
  const original = await openRejected(pool, seal, tenantId, rejectedId);
  if (original === undefined) throw new TidingsError('not_found', 'There is no such rejected event.');
  const corrected = correct ? correct(original) : { item: original };
  if ('rejection' in corrected) return [toRejectedResult(original, corrected.rejection)];
  const retried = await parts.prepare(tenantId, corrected.item, original);
  if ('rejection' in retried) return [toRejectedResult(original, retried.rejection)];
  const results = await pipeline.ingest(tenantId, [retried.item], !correct, bytes);
  const isStored = results.every(({ status }) => status === 'accepted' || status === 'duplicate');
  if (isStored) await removeRejected(pool, tenantId, rejectedId, actor, clock());
  return results;
}
