import type pg from 'pg';
import { type EventResult, toRejectedResult } from '../ingest/results.ts';
import type { JsonObject } from '../model/event.ts';
import type { JobFailure, RejectedFilter } from '../model/job.ts';
import {
  deleteRejected,
  openManyRejected,
  previewRejected,
  type RejectedPosition,
  scanRejected,
} from '../store/jobs/rejected-jobs.ts';
import type { Chunk, JobAction, JobParts } from './action.ts';
import { applyMergePatch } from './merge-patch.ts';
import { chooseMatching } from './retry-deliveries.ts';

/** Rejected events that a chunk looks at, matching or not. */
const MAX_SCANNED = 2000;
/** Bound of the events that a retry opens at a time, in bytes; the first is included whatever its size. */
const MAX_OPENED_BYTES = 4 * 1024 * 1024;
const MAX_PREVIEW_GROUPS = 20;

const preview: JobAction<RejectedFilter>['preview'] = ({ pool, seal }, scope) =>
  previewRejected(pool, seal, scope, MAX_PREVIEW_GROUPS);

/** Deletes rejected events. */
export const dismissRejectedAction: JobAction<RejectedFilter> = {
  preview,

  runChunk: (parts, chunk, commit) =>
    commit(async (connection) => {
      const { chosen, cursor } = await scanChunk(connection, parts, chunk);
      const { tenantId, startedAt } = chunk.scope;
      const ids = chosen.map(({ id }) => id);
      const done = await deleteRejected(connection, tenantId, ids, startedAt);
      return { cursor, done, skipped: ids.length - done, failures: [] };
    }),
};

/**
 * Ingests rejected events again, corrected by a JSON merge patch if the job has one. Those that are accepted leave the
 * quarantine; the others stay and are the failures of the job. To ingest an event twice has no effect, so only the removal
 * and the progress are in the transaction.
 */
export const retryRejectedAction: JobAction<RejectedFilter> = {
  preview,

  async runChunk(parts, chunk, commit) {
    const { pool, pipeline, seal } = parts;
    const { tenantId } = chunk.scope;
    const { chosen, cursor } = await scanChunk(pool, parts, chunk);
    const ids = chosen.map(({ id }) => id);
    const opened = await openManyRejected(pool, seal, tenantId, ids);
    const retried = await Promise.all(
      opened.map(({ item }) => {
        const given = chunk.patch ? applyMergePatch(item, chunk.patch) : item;
        return parts.prepare?.(tenantId, given, item) ?? { item: given };
      }),
    );
    const items = retried.flatMap((one) => ('item' in one ? [one.item] : []));
    const bytes = chosen.reduce((sum, one) => sum + one.bytes, 0);
    const ingested = items.length > 0 ? await pipeline.ingest(tenantId, items, false, bytes) : [];
    let next = 0;
    const results = retried.map((one, i) =>
      'item' in one ? (ingested[next++] as EventResult) : toRejectedResult(opened[i]?.item, one.rejection),
    );
    const isStored = results.map(({ status }) => status === 'accepted' || status === 'duplicate');
    const failures = opened.flatMap(({ id }, i) => (isStored[i] ? [] : [toFailure(id, results[i] as EventResult)]));
    await commit(async (connection) => {
      const stored = opened.filter((_, i) => isStored[i]).map(({ id }) => id);
      await deleteRejected(connection, tenantId, stored, null);
      return { cursor, done: stored.length, skipped: ids.length - opened.length, failures };
    });
  },
};

/** Returns the next events to change, and the position after them; null: they are the last. */
async function scanChunk(
  connection: pg.Pool | pg.PoolClient,
  { seal }: JobParts,
  { scope, cursor, limit }: Chunk<RejectedFilter>,
): Promise<{
  readonly chosen: readonly { readonly id: string; readonly bytes: number }[];
  readonly cursor: JsonObject | null;
}> {
  const scanned = await scanRejected(
    connection,
    seal,
    scope,
    cursor as unknown as RejectedPosition | null,
    MAX_SCANNED,
  );
  const page = cutToBytes(scanned);
  const { chosen, last } = chooseMatching(page, limit);
  const isLast = scanned.length < MAX_SCANNED && last === scanned.at(-1);
  return { chosen, cursor: isLast || !last ? null : { at: last.at, id: last.id } };
}

/** Returns the start of a page whose matching events have up to MAX_OPENED_BYTES, and at least one event. */
function cutToBytes<T extends { readonly matches: boolean; readonly bytes: number }>(page: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = page.findIndex((one) => {
    bytes += one.matches ? one.bytes : 0;
    return bytes > MAX_OPENED_BYTES;
  });
  return end < 0 ? page : page.slice(0, Math.max(1, end));
}

function toFailure(item: string, { code, path = '', message = '' }: EventResult): JobFailure {
  return { item, code: code ?? 'rejected', message: path === '' ? message : `${path}: ${message}` };
}
