import type pg from 'pg';
import {
  type BatchAudience,
  type BatchState,
  type CodeCounts,
  isReading,
  RECIPIENT_STATES,
  type RecipientCounts,
  type RecipientState,
  type SourceState,
  sumCounts,
} from '../../model/batch.ts';
import type { DeliveryStatus } from '../../model/delivery.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { StoredBatch } from '../../store/batches/batches.ts';
import { listResults, type StoredResult } from '../../store/batches/recipients.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Recipient } from '../request.ts';
import { maskRecipient } from '../send-result.ts';
import { openLine } from './parse-line.ts';

/** A batch with its progress, as the API shows it. Times are ISO 8601 in UTC. */
export interface BatchView {
  readonly batch_id: string;
  readonly name: string | null;
  readonly type: string;
  readonly state: BatchState;
  readonly per_second: number | null;
  /** With addresses masked. */
  readonly request: JsonObject;
  /** A list or segment whose users become lines; null: the lines that were added are all. */
  readonly recipients: (BatchAudience & { readonly state: SourceState; readonly found: number }) | null;
  readonly lines: number;
  /** Every state; their sum is `lines`. */
  readonly counts: { readonly [state in RecipientState]: number };
  /** Recipients by reason code within a state. */
  readonly codes: CodeCounts;
  readonly created_by: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** When everything that can go now will be asked for and sent, at the rate until now; null: not known, or it does not run. */
  readonly eta: string | null;
  /** Why it makes no progress; null: it does. */
  readonly reason: string | null;
}

export function toBatchView(batch: StoredBatch, now: Millis): BatchView {
  const counts = completeCounts(batch.lines, batch.counts);
  return {
    batch_id: batch.batchId,
    name: batch.name,
    type: batch.request.type as string,
    state: batch.state,
    per_second: batch.perSecond,
    request: batch.request,
    recipients: batch.source && { ...batch.source.audience, state: batch.source.state, found: batch.source.found },
    lines: batch.lines,
    counts,
    codes: batch.codes,
    created_by: batch.actor.name,
    created_at: isoTime(batch.createdAt),
    started_at: isoTimeOrNull(batch.startedAt),
    ended_at: isoTimeOrNull(batch.endedAt),
    eta: isoTimeOrNull(findEta(batch, counts, now)),
    reason: batch.reason,
  };
}

function completeCounts(lines: number, counts: RecipientCounts): BatchView['counts'] {
  const all = Object.fromEntries(RECIPIENT_STATES.map((state) => [state, counts[state] ?? 0]));
  return { ...all, pending: lines - sumCounts(counts) } as BatchView['counts'];
}

/** Leaves out recipients that wait for a time of their own. */
function findEta(
  { state, startedAt, lines, source }: StoredBatch,
  counts: BatchView['counts'],
  now: Millis,
): Millis | null {
  if (state !== 'running' || startedAt === null || isReading(source)) return null;
  const left = counts.pending + counts.accepted;
  const done = lines - left - counts.held - counts.scheduled;
  // Nothing is left but what waits for a time of its own.
  if (left === 0 || done <= 0 || now <= startedAt) return null;
  return Math.round(now + (left * (now - startedAt)) / done);
}

/** Result of a line, as the API shows it. */
export interface BatchResult {
  /** From 0. */
  readonly line: number;
  /** As given, an address masked; null: the line names none, or its user was erased. */
  readonly recipient: Recipient | null;
  readonly user_id: string | null;
  readonly state: RecipientState;
  /** Why it is in this state; null: it needs no reason. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly notification_id: string | null;
  /** Its deliveries. */
  readonly channels: readonly {
    readonly channel: string;
    readonly status: DeliveryStatus;
    readonly reason_code: string | null;
  }[];
}

export interface ResultQuery {
  readonly tenantId: string;
  readonly batchId: string;
  readonly state: RecipientState | undefined;
  readonly limit: number;
  /** The line before the first. */
  readonly after: number;
}

/** Returns a page of what became of the lines of a batch, in their order. */
export async function listBatchResults(pool: pg.Pool, seal: Seal, query: ResultQuery): Promise<BatchResult[]> {
  const rows = await listResults(pool, query.tenantId, query.batchId, query);
  return rows.map((row) => toResultView(seal, query, row));
}

/** Yields the results of a batch as lines of JSON, a page in memory at a time. */
export async function* exportBatchResults(
  pool: pg.Pool,
  seal: Seal,
  query: Omit<ResultQuery, 'limit' | 'after'>,
  pageSize = 500,
): AsyncGenerator<string> {
  for (let after = -1; ; ) {
    const page = await listBatchResults(pool, seal, { ...query, limit: pageSize, after });
    if (page.length > 0) yield page.map((one) => `${JSON.stringify(one)}\n`).join('');
    if (page.length < pageSize) return;
    after = page.at(-1)?.line ?? after;
  }
}

function toResultView(seal: Seal, { tenantId, batchId }: ResultQuery, row: StoredResult): BatchResult {
  const opened = openLine(seal, tenantId, batchId, row);
  const isAddress = opened?.email !== undefined || opened?.phone !== undefined;
  const given = isAddress ? { ...(opened.email ? { email: opened.email } : { phone: opened.phone ?? '' }) } : null;
  const user = row.userId === null ? null : { user_id: row.userId };
  return {
    line: row.line,
    recipient: given ? maskRecipient(given) : user,
    user_id: row.userId,
    state: row.state,
    code: row.code,
    reason: row.reason,
    notification_id: row.notificationId,
    channels: row.channels,
  };
}
