import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import { TidingsError } from '../../errors.ts';
import { freshId } from '../../lib/fresh-id.ts';
import type { BatchAudience, BatchSource, BatchState } from '../../model/batch.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import { maskDocument } from '../../privacy/mask.ts';
import type { Seal } from '../../privacy/seal.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import {
  insertBatch,
  loadBatch,
  MAX_OPEN_BATCHES,
  type StoredBatch,
  updateBatch,
} from '../../store/batches/batches.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { checkRequest } from '../check-request.ts';
import type { SendRequest } from '../request.ts';
import { type Asker, completeSchedule, findCatalog } from '../send-notifications.ts';
import { beginSource, checkAudience } from './audience.ts';

/** The request for every recipient of a batch; lines may add variables. */
export type BatchRequest = Omit<SendRequest, 'recipients'>;

export interface BatchParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
}

export interface NewBatchRequest {
  readonly name: string | null;
  readonly perSecond: number | null;
  /** Users that become lines after the start; null: its lines are all of its recipients. */
  readonly audience: BatchAudience | null;
  /** Without a priority it is LOW. */
  readonly request: BatchRequest;
}

/**
 * Creates a draft. The same operation creates it once.
 * @throws TidingsError if the request does not fit its notification type, or `too_many_batches`
 */
export async function createBatch(
  parts: BatchParts,
  { tenantId, actor, scopes, operationId }: Asker,
  { name, perSecond, audience, request }: NewBatchRequest,
): Promise<StoredBatch> {
  const { pool, catalogs, seal, clock } = parts;
  const now = clock();
  const catalog = await findCatalog(catalogs, tenantId, request.type);
  checkRequest({ ...request, recipients: [] }, catalog, scopes, now, true);
  if (audience) {
    const pointer = `/recipients/${'list' in audience ? 'list' : 'segment'}`;
    await checkAudience(parts, tenantId, audience, pointer);
  }
  const scheduled = await completeSchedule(pool, tenantId, request.scheduled_at, catalog);
  const whole = {
    ...request,
    priority: request.priority ?? 'LOW',
    ...(scheduled !== undefined && { scheduled_at: scheduled }),
  } as unknown as JsonObject;
  const masked = maskDocument(whole);
  const batchId = freshId();
  const sealed =
    masked === whole ? null : sealDocument(seal, JSON.stringify(whole), documentRow('batches', tenantId, batchId));
  const source = audience && ({ audience, state: 'pending', found: 0, after: '' } as const);
  const batch = { tenantId, batchId, operationId, name, request: masked, sealed, source, perSecond, actor };
  const id = await insertBatch(pool, batch, now);
  if (id === undefined) {
    const message = `There are ${MAX_OPEN_BATCHES} batches that have not ended; wait until one has, or cancel one.`;
    throw new TidingsError('too_many_batches', message, { retryAfter: 60 });
  }
  return requireBatch(pool, tenantId, id);
}

/** Returns the request of a batch as it was made. Throws if no key of the process opens it. */
export function openRequest(
  seal: Seal,
  tenantId: string,
  { batchId, request }: Pick<StoredBatch, 'batchId' | 'request'>,
  sealed: Buffer | null,
): BatchRequest {
  if (sealed === null) return request as unknown as BatchRequest;
  const opened = openDocument(seal, sealed, documentRow('batches', tenantId, batchId));
  if (!opened) throw new Error('the request of a batch cannot be opened with the current encryption key');
  return opened as unknown as BatchRequest;
}

export async function requireBatch(pool: pg.Pool, tenantId: string, batchId: string): Promise<StoredBatch> {
  const batch = await loadBatch(pool, tenantId, batchId);
  if (!batch) throw noBatch();
  return batch;
}

export function noBatch(): TidingsError {
  return new TidingsError('not_found', 'There is no such batch.');
}

export const BATCH_COMMANDS = ['start', 'pause', 'resume', 'cancel'] as const;
export type BatchCommand = (typeof BATCH_COMMANDS)[number];

const COMMANDS: {
  readonly [command in BatchCommand]: {
    readonly from: readonly BatchState[];
    readonly to: BatchState;
    readonly action: string;
  };
} = {
  start: { from: ['draft'], to: 'running', action: 'batch.started' },
  pause: { from: ['running'], to: 'paused', action: 'batch.paused' },
  resume: { from: ['paused'], to: 'running', action: 'batch.resumed' },
  cancel: { from: ['draft', 'running', 'paused'], to: 'cancelled', action: 'batch.cancelled' },
};

/**
 * Runs a command on a batch; one that is in that state already stays as it is.
 * @throws TidingsError `wrong_batch_state` if it is in another one
 */
export async function commandBatch(
  { pool, catalogs, clock }: BatchParts,
  { tenantId, actor, scopes }: Omit<Asker, 'operationId'>,
  batchId: string,
  command: BatchCommand,
): Promise<StoredBatch> {
  const { from, to, action } = COMMANDS[command];
  const now = clock();
  let begun: BatchSource | undefined;
  if (command === 'start') {
    const { state, request, lines, source } = await requireBatch(pool, tenantId, batchId);
    if (state === 'draft') {
      const asked = request as unknown as BatchRequest;
      checkRequest({ ...asked, recipients: [] }, await findCatalog(catalogs, tenantId, asked.type), scopes, now, true);
      if (lines === 0 && !source)
        throw new TidingsError('wrong_batch_state', 'The batch has no recipients yet; add some first.');
      if (source) begun = await beginSource({ pool, catalogs }, tenantId, source);
    }
  }
  await withTransaction(pool, async (connection) => {
    const batch = await loadBatch(connection, tenantId, batchId, true);
    if (!batch) throw noBatch();
    if (batch.state === to) return;
    if (!from.includes(batch.state)) {
      const message = `The batch is ${batch.state}; ${command} is for one that is ${from.join(' or ')}.`;
      throw new TidingsError('wrong_batch_state', message);
    }
    await updateBatch(connection, tenantId, batch, { state: to, ...(begun && { source: begun }) }, now);
    const states = { before: { state: batch.state }, after: { state: to } };
    await appendAuditEntry(
      connection,
      { tenantId, actor, action, subject: batchId, detail: { lines: batch.lines, asked: batch.nextLine }, ...states },
      now,
    );
  });
  return requireBatch(pool, tenantId, batchId);
}

/** Changes the rate of a batch that has not ended. @param perSecond recipients; null: no limit */
export async function changeRate(
  { pool, clock }: Pick<BatchParts, 'pool' | 'clock'>,
  { tenantId, actor }: { readonly tenantId: string; readonly actor: Actor },
  batchId: string,
  perSecond: number | null,
): Promise<StoredBatch> {
  const now = clock();
  await withTransaction(pool, async (connection) => {
    const batch = await loadBatch(connection, tenantId, batchId, true);
    if (!batch) throw noBatch();
    if (batch.endedAt !== null || batch.state === 'cancelled') {
      throw new TidingsError('wrong_batch_state', `The batch is ${batch.state}; its rate no longer matters.`);
    }
    await updateBatch(connection, tenantId, batch, { perSecond }, now);
    const states = { before: { per_second: batch.perSecond }, after: { per_second: perSecond } };
    const entry = { tenantId, actor, action: 'batch.rate_changed', subject: batchId, detail: {}, ...states };
    await appendAuditEntry(connection, entry, now);
  });
  return requireBatch(pool, tenantId, batchId);
}
