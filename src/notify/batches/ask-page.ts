import type pg from 'pg';
import type { Pipeline } from '../../ingest/pipeline.ts';
import type { EventResult } from '../../ingest/results.ts';
import { BATCH_EVENT } from '../../model/batch.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { StoredBatch } from '../../store/batches/batches.ts';
import { findRepeated, type LineResult, type PendingLine, writeUsers } from '../../store/batches/recipients.ts';
import { loadErasures } from '../../store/erasure/load-erasures.ts';
import { loadMerges } from '../../store/merge/merged-users.ts';
import { ingestOnce, type StoredEvent } from '../ingest-once.ts';
import { buildRequestedEvent } from '../requested-event.ts';
import { type GivenAddress, resolveRecipients } from '../resolve-recipients.ts';
import type { BatchRequest } from './commands.ts';
import { getGivenAddress, openLine, type SealedLine } from './parse-line.ts';

export interface AskParts {
  readonly pool: pg.Pool;
  readonly pipeline: Pick<Pipeline, 'ingest'>;
  readonly seal: Seal;
}

/** The batch of a page, with its request as it was made. */
export interface AskedBatch {
  readonly tenantId: string;
  readonly batch: StoredBatch;
  readonly request: BatchRequest;
}

/** A recipient with its user. */
interface FoundLine {
  readonly line: number;
  readonly userId: string;
  /** The id that the line names, of a user who was merged since. */
  readonly mergedId?: string;
  readonly given: GivenAddress | undefined;
  readonly variables: JsonObject | undefined;
}

/** The recipients of a page: those to ask for, and what is known of the others already. */
export interface FoundPage {
  readonly found: readonly FoundLine[];
  readonly others: readonly LineResult[];
}

/**
 * Asks for a page of recipients. The ids of its events depend on the batch and the line alone: a page that is asked for again, after a
 * crash or by another process, is known, and its results are what was decided the first time.
 */
export async function askPage(
  parts: AskParts,
  asked: AskedBatch,
  lines: readonly PendingLine[],
  now: Millis,
): Promise<LineResult[]> {
  const { pool } = parts;
  const { tenantId, batch } = asked;
  const page = await rejectErased(parts, asked, await findUsers(parts, asked, lines));
  await writeUsers(pool, tenantId, batch.batchId, page.found);
  const repeated = await findRepeated(pool, tenantId, batch.batchId, page.found);
  const first = page.found.filter(({ line }) => !repeated.has(line));
  const toItem = (place: number, stored?: StoredEvent) =>
    toEvent(asked, first[place] as FoundLine, stored?.time ?? now);
  const results = await ingestOnce(
    parts,
    tenantId,
    first.map((_, place) => place),
    toItem,
  );
  return [
    ...page.others,
    ...page.found.filter(({ line }) => repeated.has(line)).map(({ line }) => toResult(line, 'duplicate', null, null)),
    ...first.map(({ line }, place) => toLineResult(line, results[place] as EventResult)),
  ];
}

/** Rejects users of an audience who were erased since it began to be read: an erasure empties lines, and may have come before theirs. */
async function rejectErased(
  { pool, seal }: AskParts,
  { tenantId, batch: { source, startedAt } }: AskedBatch,
  page: FoundPage,
): Promise<FoundPage> {
  if (source === null || startedAt === null || page.found.length === 0) return page;
  const ids = page.found.map(({ userId }) => userId);
  const erasures = await loadErasures(pool, seal, tenantId, ids);
  const isErased = ({ userId }: FoundLine) => (erasures.get(userId) ?? Number.NEGATIVE_INFINITY) >= startedAt;
  const erased = page.found.filter(isErased);
  if (erased.length === 0) return page;
  return {
    found: page.found.filter((one) => !isErased(one)),
    others: [...page.others, ...erased.map(({ line }) => toResult(line, 'rejected', 'user_erased', ERASED))],
  };
}

const ERASED = 'Its user was erased.';

/** Finds the users of lines; of one who was merged the survivor. @throws Error if a line cannot be opened: the page is tried again later */
export async function findUsers(
  { pool, seal }: Pick<AskParts, 'pool' | 'seal'>,
  { tenantId, batch }: AskedBatch,
  lines: readonly PendingLine[],
): Promise<FoundPage> {
  const opened = lines.map((line) => open(seal, tenantId, batch.batchId, line));
  const unknown = lines.flatMap(({ userId }, index) =>
    userId === null && getGivenAddress(opened[index] as SealedLine) ? [index] : [],
  );
  const resolved = await resolveRecipients(
    pool,
    seal,
    tenantId,
    unknown.map((index) => {
      const { variables: _, ...recipient } = opened[index] as SealedLine;
      return recipient;
    }),
  );
  const named = new Set(lines.flatMap(({ userId }) => userId ?? []));
  const merges = named.size === 0 ? undefined : await loadMerges(pool, tenantId, [...named]);
  const byIndex = new Map(unknown.map((index, place) => [index, resolved[place]]));
  const found: FoundLine[] = [];
  const others: LineResult[] = [];
  lines.forEach(({ line, userId }, index) => {
    const content = opened[index] as SealedLine;
    const one = byIndex.get(index);
    if (one && 'code' in one) others.push(toResult(line, 'rejected', one.code, one.message));
    else if (userId === null && !one) others.push(toResult(line, 'rejected', 'user_erased', ERASED));
    else {
      const survivor = merges?.get(userId ?? '')?.into;
      found.push({
        line,
        userId: survivor ?? userId ?? one?.userId ?? '',
        ...(survivor !== undefined && userId !== null && { mergedId: userId }),
        given: getGivenAddress(content),
        variables: content.variables,
      });
    }
  });
  return { found, others };
}

function open(seal: Seal, tenantId: string, batchId: string, line: PendingLine): SealedLine {
  const opened = openLine(seal, tenantId, batchId, line);
  if (!opened) throw new Error('a recipient of a batch cannot be opened with the current encryption key');
  return opened;
}

/** Returns the event that asks for the notification of a line. */
export function toEvent(
  { batch: { batchId, actor }, request }: AskedBatch,
  { line, userId, given, variables }: FoundLine,
  time: Millis,
): JsonObject {
  const own = variables ? { ...request, variables: { ...request.variables, ...variables } } : request;
  return buildRequestedEvent(
    { request: own, scheduledAt: request.scheduled_at, requestId: `batch_${batchId}`, actor },
    { userId, time, eventId: `${BATCH_EVENT}${batchId}:${line}`, ...(given && { given }) },
  );
}

/** Returns what the decision on a line means for it. */
export function toLineResult(line: number, { status, decisions, code, message }: EventResult): LineResult {
  const decision = decisions.find(({ rule }) => rule === DIRECT_RULE);
  if (!decision) {
    const reason =
      message ?? 'The catalog no longer has the notification type, or what was decided is no longer stored.';
    return toResult(line, 'rejected', code ?? (status === 'duplicate' ? 'gone' : 'unknown_type'), reason);
  }
  const { outcome, notification_id: id, evidence, reason_code, reason } = decision;
  if (outcome === 'send') return { ...toResult(line, 'accepted', null, null), notificationId: id };
  if (outcome === 'scheduled') {
    return { ...toResult(line, 'scheduled', null, null), notificationId: evidence.wait?.wait_id ?? null };
  }
  // That all channels were dropped says less than why the first one was.
  const dropped = reason_code === 'all_channels_dropped' && evidence.plan?.find(({ verdict }) => verdict === 'drop');
  const why = dropped ? dropped.code : reason_code;
  return toResult(line, outcome === 'failed' ? 'rejected' : 'dropped', why, reason);
}

function toResult(line: number, state: LineResult['state'], code: string | null, reason: string | null): LineResult {
  return { line, state, code, reason, notificationId: null };
}
