import type pg from 'pg';
import { type EventResult, toRejectedResult } from '../ingest/results.ts';
import type { PrepareRetried } from '../ingest/retry-rejected.ts';
import type { Json, JsonObject } from '../model/event.ts';
import type { JobFailure, RejectedFilter, TriedItem } from '../model/job.ts';
import { maskUntrusted } from '../privacy/mask.ts';
import {
  deleteRejected,
  findMatchingRejected,
  openManyRejected,
  previewRejected,
  type RejectedPosition,
  scanRejected,
} from '../store/jobs/rejected-jobs.ts';
import type { Chunk, JobAction, JobParts } from './action.ts';
import { type Correction, compileCorrection, getAt } from './correction.ts';
import { chooseMatching } from './retry-deliveries.ts';

/** Rejected events that a chunk looks at, matching or not. */
const MAX_SCANNED = 2000;
/** Bound of the events that a retry opens at a time, in bytes; the first is included whatever its size. */
const MAX_OPENED_BYTES = 4 * 1024 * 1024;
const MAX_PREVIEW_GROUPS = 20;
/** Events that a trial decides about. */
const MAX_TRIED = 50;
/** Events of a trial that are shown, and changes of each. */
const MAX_SHOWN_TRIED = 10;
const MAX_SHOWN_CHANGES = 5;
const MAX_SHOWN_CHARS = 200;

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
 * Ingests rejected events again, corrected if the job says how. Those that are accepted leave the
 * quarantine; the others stay and are the failures of the job. To ingest an event twice has no effect, so only the removal
 * and the progress are in the transaction.
 */
export const retryRejectedAction: JobAction<RejectedFilter> = {
  preview,

  async try(parts, scope, correction) {
    const { pool, pipeline, seal } = parts;
    const { tenantId } = scope;
    const found = await findMatchingRejected(pool, seal, scope, MAX_TRIED);
    const ids = cutToBytes(found.map((one) => ({ ...one, matches: true }))).map(({ id }) => id);
    const opened = await openManyRejected(pool, seal, tenantId, ids);
    const retried = await prepareAll(parts, tenantId, opened, correction);
    const results = await toResults(retried, opened, (items) => pipeline.preview(tenantId, items));
    const paths = [...Object.keys(correction.compute ?? {}), ...listLeaves(correction.patch)].slice(
      0,
      MAX_SHOWN_CHANGES,
    );
    const items = results.map((result, i) => toTried(opened[i] as Opened, retried[i] as Retried, result, paths));
    return {
      tried: items.length,
      accepted: items.filter(isAccepted).length,
      sends: results.flatMap(({ decisions }) => decisions).filter(({ outcome }) => outcome === 'send').length,
      items: items.toSorted((a, b) => Number(isAccepted(a)) - Number(isAccepted(b))).slice(0, MAX_SHOWN_TRIED),
    };
  },

  async runChunk(parts, chunk, commit) {
    const { pool, pipeline, seal } = parts;
    const { tenantId } = chunk.scope;
    const { chosen, cursor } = await scanChunk(pool, parts, chunk);
    const ids = chosen.map(({ id }) => id);
    const opened = await openManyRejected(pool, seal, tenantId, ids);
    const retried = await prepareAll(parts, tenantId, opened, chunk);
    const bytes = chosen.reduce((sum, one) => sum + one.bytes, 0);
    const results = await toResults(retried, opened, (items) => pipeline.ingest(tenantId, items, false, bytes));
    const isStored = results.map(isAccepted);
    const failures = opened.flatMap(({ id }, i) => (isStored[i] ? [] : [toFailure(id, results[i] as EventResult)]));
    await commit(async (connection) => {
      const stored = opened.filter((_, i) => isStored[i]).map(({ id }) => id);
      await deleteRejected(connection, tenantId, stored, null);
      return { cursor, done: stored.length, skipped: ids.length - opened.length, failures };
    });
  },
};

type Opened = { readonly id: string; readonly item: unknown };
type Retried = Awaited<ReturnType<PrepareRetried>>;

/** Corrects items, and returns each as it is ingested again, or why it cannot be. */
function prepareAll(
  { prepare }: JobParts,
  tenantId: string,
  opened: readonly Opened[],
  correction: Correction,
): Promise<Retried[]> {
  const correct = compileCorrection(correction);
  return Promise.all(
    opened.map(async ({ item }) => {
      const corrected = correct(item);
      if ('rejection' in corrected) return corrected;
      return (await prepare?.(tenantId, corrected.item, item)) ?? corrected;
    }),
  );
}

/** Returns the result of each item, in their order. @param ingest of those that can be ingested */
async function toResults(
  retried: readonly Retried[],
  opened: readonly Opened[],
  ingest: (items: readonly unknown[]) => Promise<EventResult[]>,
): Promise<EventResult[]> {
  const items = retried.flatMap((one) => ('item' in one ? [one.item] : []));
  const ingested = items.length > 0 ? await ingest(items) : [];
  let next = 0;
  return retried.map((one, i) =>
    'item' in one ? (ingested[next++] as EventResult) : toRejectedResult(opened[i]?.item, one.rejection),
  );
}

function isAccepted({ status }: Pick<EventResult, 'status'>): boolean {
  return status === 'accepted' || status === 'duplicate';
}

function toTried({ id, item }: Opened, retried: Retried, result: EventResult, paths: readonly string[]): TriedItem {
  const { status, code = null, message = null } = result;
  const [before, after] = [maskUntrusted(item), 'item' in retried ? maskUntrusted(retried.item) : null];
  const changes = paths.map((path) => ({
    path,
    before: toShown(getAt(before, path)),
    after: toShown(getAt(after, path)),
  }));
  return { item: id, status, code, message, changes };
}

/** Shortens what is long: a change is shown in one line. */
function toShown(value: unknown): Json {
  const text = JSON.stringify(value ?? null);
  return text.length <= MAX_SHOWN_CHARS
    ? ((value ?? null) as Json)
    : `${text.slice(0, MAX_SHOWN_CHARS)}…`.toWellFormed();
}

/** Returns the paths of the values that a merge patch has. */
function listLeaves(patch: unknown, path = ''): readonly string[] {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return path === '' ? [] : [path];
  return Object.entries(patch).flatMap(([name, value]) => listLeaves(value, path === '' ? name : `${path}.${name}`));
}

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
