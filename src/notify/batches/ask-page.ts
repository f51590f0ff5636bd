import type pg from 'pg';
import { toEventKey } from '../../events/envelope.ts';
import type { Pipeline } from '../../ingest/pipeline.ts';
import type { EventResult } from '../../ingest/results.ts';
import { BATCH_EVENT } from '../../model/batch.ts';
import type { Decision } from '../../model/decision.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { toNormalAddress } from '../../privacy/normal-address.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { StoredBatch } from '../../store/batches/batches.ts';
import { findRepeated, type LineResult, type PendingLine, writeUsers } from '../../store/batches/recipients.ts';
import { loadErasedOfLines, loadErasures } from '../../store/erasure/load-erasures.ts';
import { findStoredEvents } from '../../store/event-ids.ts';
import { ingestOnce, type StoredEvent } from '../ingest-once.ts';
import type { Recipient } from '../request.ts';
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
    toEvent(asked, { ...(first[place] as FoundLine), ...(stored && { userId: stored.userId }) }, stored?.time ?? now);
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

/** Returns those of these lines that were asked for before, by a turn that died or was too slow to note it. */
export async function findAsked(
  pool: pg.Pool,
  tenantId: string,
  batchId: string,
  lines: readonly PendingLine[],
): Promise<PendingLine[]> {
  const keyOf = ({ line }: PendingLine) => toEventKey(toEventId(batchId, line));
  const stored = await findStoredEvents(pool, tenantId, lines.map(keyOf));
  return lines.filter((line) => stored.has(keyOf(line)));
}

const toEventId = (batchId: string, line: number): string => `${BATCH_EVENT}${batchId}:${line}`;

/**
 * Rejects lines of users who were erased. An erasure empties them, but only after a while; and those of an audience may come after it,
 * if it was being read.
 */
async function rejectErased(
  { pool, seal }: AskParts,
  { tenantId, batch: { batchId, source, startedAt } }: AskedBatch,
  page: FoundPage,
): Promise<FoundPage> {
  if (page.found.length === 0) return page;
  const since = source === null ? null : startedAt;
  const erasures =
    since === null
      ? NO_ERASURES
      : await loadErasures(
          pool,
          seal,
          tenantId,
          page.found.map(({ userId }) => userId),
        );
  const open = await loadErasedOfLines(pool, tenantId, batchId);
  const isErased = ({ userId, given }: FoundLine) =>
    open.userIds.has(userId) ||
    (given !== undefined && open.addressHashes.has(seal.hash(toNormalAddress(given.kind, given.address)))) ||
    (since !== null && (erasures.get(userId) ?? Number.NEGATIVE_INFINITY) >= since);
  const erased = page.found.filter(isErased);
  if (erased.length === 0) return page;
  return {
    found: page.found.filter((one) => !isErased(one)),
    others: [...page.others, ...erased.map(({ line }) => toResult(line, 'rejected', 'user_erased', ERASED))],
  };
}

const NO_ERASURES: Awaited<ReturnType<typeof loadErasures>> = new Map();

const ERASED = 'Its user was erased.';

/** Finds the users of lines. @throws Error if a line cannot be opened: the page is tried again later */
export async function findUsers(
  { pool, seal }: Pick<AskParts, 'pool' | 'seal'>,
  { tenantId, batch }: AskedBatch,
  lines: readonly PendingLine[],
): Promise<FoundPage> {
  const opened = lines.map((line) => open(seal, tenantId, batch.batchId, line));
  const named = lines.flatMap(({ userId }, index): { readonly index: number; readonly recipient: Recipient }[] => {
    const { variables: _, ...address } = opened[index] as SealedLine;
    if (userId !== null) return [{ index, recipient: { user_id: userId } }];
    return getGivenAddress(address) ? [{ index, recipient: address }] : [];
  });
  const resolved = await resolveRecipients(
    pool,
    seal,
    tenantId,
    named.map(({ recipient }) => recipient),
    false,
  );
  const byIndex = new Map(named.map(({ index }, place) => [index, resolved[place]]));
  const found: FoundLine[] = [];
  const others: LineResult[] = [];
  lines.forEach(({ line }, index) => {
    const content = opened[index] as SealedLine;
    const one = byIndex.get(index);
    if (!one) others.push(toResult(line, 'rejected', 'user_erased', ERASED));
    else if ('code' in one) others.push(toResult(line, 'rejected', one.code, one.message));
    else found.push({ line, userId: one.userId, given: getGivenAddress(content), variables: content.variables });
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
    { userId, time, eventId: toEventId(batchId, line), ...(given && { given }) },
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
  return toDecidedResult(line, decision);
}

/** Returns what a decision on the request of a line means for it. */
export function toDecidedResult(line: number, decision: Decision): LineResult {
  const { outcome, notification_id: id, evidence, reason_code, reason } = decision;
  if (outcome === 'send') return { ...toResult(line, 'accepted', null, null), notificationId: id };
  // The digest is a notification of its own.
  if (reason_code === 'collected') return toResult(line, 'folded', null, null);
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
