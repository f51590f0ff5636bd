import type pg from 'pg';
import type { CatalogCache } from '../../catalog/cache.ts';
import { BATCH_PAUSED, type BatchState, type RecipientState } from '../../model/batch.ts';
import type { DeliveryStatus } from '../../model/delivery.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import {
  cancelQueued,
  type LineResult,
  loadOpen,
  type OpenLine,
  releasePaused,
} from '../../store/batches/recipients.ts';
import { announceDeliveries } from '../../store/deliveries/delivery-queue.ts';
import { CANCELLED_WITH_BATCH, cancelWait } from '../../timers/wait-admin.ts';
import { toDecidedResult } from './ask-page.ts';

/** Open recipients that one turn looks at. */
const MAX_LOOKED_AT = 1000;
/** Waits that one turn of a cancelled batch ends: each takes a transaction. */
const MAX_CANCELLED_WAITS = 100;

export interface SettleParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
}

interface Place {
  readonly tenantId: string;
  readonly batchId: string;
  readonly state: BatchState;
  /** The line from which it looks. */
  readonly scanned: number;
}

export interface SettledPage {
  /** Recipients whose state is another one now, or who are held for another reason. */
  readonly changed: readonly {
    readonly from: RecipientState;
    /** Why it was held. */
    readonly fromCode: string | null;
    readonly result: LineResult;
  }[];
  /** The line from which the next look goes on. */
  readonly scanned: number;
  /** Whether it has come to the end, and begins anew. */
  readonly isPassOver: boolean;
}

/**
 * Looks at a page of recipients whose notifications were not final: what is by now is found by their ids. What was held while
 * the batch was paused becomes due again, and what is queued of a cancelled one is cancelled.
 */
export async function settlePage(parts: SettleParts, place: Place, now: Millis): Promise<SettledPage> {
  const { pool } = parts;
  const { tenantId, batchId, state, scanned } = place;
  let open = await loadOpen(pool, tenantId, batchId, scanned, MAX_LOOKED_AT);
  if (state === 'cancelled' && open.length > 0) {
    open = await cancelOpen(parts, place, open, now);
    open = await loadOpen(pool, tenantId, batchId, scanned, open.length);
  }
  if (state === 'running') await release(pool, tenantId, open, now);
  const isPassOver = open.length < MAX_LOOKED_AT && state !== 'cancelled';
  const changed = open.flatMap((line) => {
    const result = toResult(line);
    const isSame = result.state === line.state && (result.state !== 'held' || result.code === line.code);
    return isSame ? [] : [{ from: line.state, fromCode: line.code, result }];
  });
  const last = open.at(-1);
  return {
    changed,
    scanned: isPassOver || last === undefined ? 0 : last.line + 1,
    isPassOver: isPassOver || last === undefined,
  };
}

async function release(pool: pg.Pool, tenantId: string, open: readonly OpenLine[], now: Millis): Promise<void> {
  const held = open.filter(({ deliveries }) => deliveries.some(({ hold }) => hold === BATCH_PAUSED));
  if (held.length === 0) return;
  await releasePaused(
    pool,
    tenantId,
    held.map(({ notificationId }) => notificationId),
    now,
  );
  await announceDeliveries(pool);
}

/** Cancels what has not begun. Returns those that were looked at. */
async function cancelOpen(
  { pool, catalogs }: SettleParts,
  { tenantId }: Place,
  open: readonly OpenLine[],
  now: Millis,
): Promise<OpenLine[]> {
  const looked: OpenLine[] = [];
  let waits = 0;
  for (const line of open) {
    if (line.wait?.status === 'waiting') {
      if (waits++ === MAX_CANCELLED_WAITS) break;
      const command = { pool, catalogs, tenantId, actor: systemActor('batches'), now };
      await cancelWait(command, line.notificationId, CANCELLED_WITH_BATCH);
    }
    looked.push(line);
  }
  await cancelQueued(
    pool,
    tenantId,
    looked.map(({ notificationId }) => notificationId),
    now,
  );
  return looked;
}

/** Statuses of deliveries, and the state of a recipient who has one of them; the first that there is. */
const STATES: readonly (readonly [state: RecipientState, ...statuses: DeliveryStatus[]])[] = [
  ['sent', 'sent', 'sandboxed'],
  ['in_doubt', 'in_doubt'],
  ['failed', 'dead', 'undeliverable'],
  ['cancelled', 'cancelled'],
  ['dropped', 'dropped'],
];

/** Holds that are a part of the ordinary course: the turn of another channel, or a limit of the provider. */
const ORDINARY_HOLDS: ReadonlySet<string | null> = new Set([null, 'fallback']);

function toResult({ line, state, notificationId, deliveries, wait }: OpenLine): LineResult {
  const base = { line, notificationId, code: null, reason: null };
  if (deliveries.length === 0) return { ...base, ...toStateOfWait(line, state, wait) };
  const open = deliveries.filter(({ status }) => status === 'queued' || status === 'sending');
  if (open.length > 0) {
    const isHeld = open.every(({ status, hold }) => status === 'queued' && !ORDINARY_HOLDS.has(hold));
    return isHeld ? { ...base, state: 'held', code: open[0]?.hold ?? null } : { ...base, state: 'accepted' };
  }
  for (const [final, ...statuses] of STATES) {
    const found = deliveries.find(({ status }) => statuses.includes(status));
    if (found) return { ...base, state: final, code: found.code, reason: found.reason };
  }
  return { ...base, state: 'failed' };
}

function toStateOfWait(
  line: number,
  state: OpenLine['state'],
  wait: OpenLine['wait'],
): Pick<LineResult, 'state' | 'code' | 'reason'> {
  if (wait?.status === 'waiting') return { state: 'scheduled', code: null, reason: null };
  if (wait?.status === 'cancelled') return { state: 'cancelled', code: 'cancelled', reason: 'It was cancelled.' };
  if (state !== 'scheduled')
    return { state: 'dropped', code: 'notification_gone', reason: 'Its notification is no longer stored.' };
  const decision = wait?.decisions.find(({ rule }) => rule === DIRECT_RULE);
  if (!decision || decision.outcome === 'send') {
    const reason = 'When its time came it was decided not to send it; the audit trail of the user says why.';
    return { state: 'dropped', code: 'not_sent_when_due', reason };
  }
  const { state: decided, code, reason } = toDecidedResult(line, decision);
  // A line that was asked for is not rejected later.
  return { state: decided === 'rejected' ? 'dropped' : decided, code, reason };
}
