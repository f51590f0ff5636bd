import { markOwn } from '../events/own-events.ts';
import { doublePause } from '../lib/doubling-pause.ts';
import { CARD_REGISTRATION_FAILED, type Connector, CUSTOMER_IMPORT_FAILED } from '../model/connector.ts';
import type { Millis } from '../model/event.ts';
import {
  type ClaimedTask,
  completeTask,
  deleteTask,
  failAttempt,
  isClaimed,
  lockTask,
  lockUndoneTask,
} from '../store/connectors/tasks.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { isoTime } from '../time/iso-time.ts';
import type { AttemptEnd, AttemptResult } from './attempt.ts';
import { CallFailure } from './call-failure.ts';
import { recordFailure, registerCard } from './cards/register-card.ts';
import { findSecrets, SECRET_MISSING } from './find-secrets.ts';
import { importCustomer } from './import-customer.ts';
import type { ConnectorParts } from './parts.ts';

/** Codes of failures in which the service was called and gave no answer, and of those in which it was not called. */
const SILENT: ReadonlySet<string> = new Set(['timed_out', 'connection_failed']);
const UNCALLED: ReadonlySet<string> = new Set([
  ...['connector_removed', 'certificate_invalid', 'address_rejected', 'id_unusable'],
]);
/** Shortest and longest pause (ms) before a task looks for its secret again: half as long as it has waited. */
const FIRST_SECRET_WAIT_MS: Millis = 30_000;
const LAST_SECRET_WAIT_MS: Millis = 1_800_000;

/**
 * Makes one attempt at a claimed task. What comes of it is ingested first, under ids that are the same for each attempt, and then
 * recorded in one transaction with the end of the attempt: a process that is killed in between leaves a task that is run again and
 * doubles nothing. Of a process that was frozen until another one had the task, a failure counts for nothing, and a success does.
 * @throws an error of the database, or of ingest: the task is claimed again later
 */
export async function runTask(parts: ConnectorParts, task: ClaimedTask, signal: AbortSignal): Promise<AttemptEnd> {
  const catalog = await parts.catalogs.getActive(task.tenantId);
  const connector = catalog.connectors?.byName.get(task.connector);
  let result: AttemptResult;
  try {
    if (connector?.kind !== task.kind) {
      throw new CallFailure('connector_removed', 'The active catalog has no such connector.', true);
    }
    const secrets = await findSecrets(parts, parts.pool, task.tenantId, task.connector);
    if (parts.clock() >= task.claimedUntil) throw new Error('the claim ended before the call was made');
    const attempt = { task, catalog, secrets, signal };
    result =
      connector.kind === 'customer-import'
        ? await importCustomer(parts, attempt, connector)
        : await registerCard(parts, attempt, connector);
  } catch (error) {
    // A process that ends has not failed: the task is left to another one.
    const isEnding = signal.aborted && (signal.reason as Error).name !== 'TimeoutError';
    if (isEnding || !(error instanceof CallFailure)) throw error;
    if (error.code === SECRET_MISSING) {
      await waitForSecret(parts, task, error);
      return SECRET_MISSING;
    }
    await fail(parts, task, connector, error);
    if (UNCALLED.has(error.code)) return 'not_called';
    return SILENT.has(error.code) ? 'silent' : 'answered';
  }
  await recordResult(parts, task, connector, result);
  return 'answered';
}

/** Puts a task off whose connector lacks a secret, in all processes or in this one: nothing was tried, so no attempt is lost. */
async function waitForSecret({ pool, clock }: ConnectorParts, task: ClaimedTask, failure: CallFailure): Promise<void> {
  const now = clock();
  const wait = Math.min(Math.max((now - task.createdAt) / 2, FIRST_SECRET_WAIT_MS), LAST_SECRET_WAIT_MS);
  const { code, message: reason } = failure;
  await failAttempt(pool, task, { state: 'open', dueAt: now + wait, code, reason, isCounted: false }, now);
}

/** Ingests and records what comes of an attempt. */
async function recordResult(
  parts: ConnectorParts,
  task: ClaimedTask,
  connector: Connector,
  result: AttemptResult,
): Promise<void> {
  const rejected = await ingest(parts, task, result.events);
  if (rejected === 'user_erased') return deleteTask(parts.pool, task);
  if (rejected) return fail(parts, task, connector, rejected);
  const { failure } = result;
  if (failure) {
    return fail(parts, task, connector, new CallFailure(failure.code, failure.reason, failure.isFinal), result);
  }
  await withTransaction(parts.pool, async (connection) => {
    const owner = await lockUndoneTask(connection, task);
    if (owner === undefined) return;
    await result.record?.(connection, owner);
    await completeTask(connection, task, parts.clock());
  });
}

/** Ingests events; an event that is there is the same. Returns why they were rejected, if they were. */
async function ingest(
  { pipeline }: ConnectorParts,
  { tenantId }: ClaimedTask,
  events: readonly object[],
): Promise<'user_erased' | CallFailure | undefined> {
  if (events.length === 0) return undefined;
  const results = await pipeline.ingest(tenantId, events, false);
  const rejected = results.find(({ status }) => status === 'rejected');
  if (!rejected) return undefined;
  if (rejected.code === 'user_erased') return rejected.code;
  const code = rejected.code ?? 'invalid_event';
  return new CallFailure(code, `What the service said does not fit the catalog: ${rejected.message ?? code}.`, true);
}

/** Ends an attempt that failed: it is tried again later, or it is a dead letter. The timeline of the user tells it. */
async function fail(
  parts: ConnectorParts,
  task: ClaimedTask,
  connector: Connector | undefined,
  failure: CallFailure,
  result?: AttemptResult,
): Promise<void> {
  const { pool, clock, random } = parts;
  if (!(await isClaimed(pool, task))) return recordLasting(parts, task, result);
  const attempt = task.attempts + 1;
  const isFinal = failure.isFinal || connector === undefined || attempt >= connector.retry.attempts;
  await ingest(parts, task, [toFailed(task, failure, isFinal, clock())]);
  const now = clock();
  const dueAt = isFinal || !connector ? now : now + toPause(connector.retry, attempt, random());
  const isHeld = await withTransaction(pool, async (connection) => {
    const owner = await lockTask(connection, task);
    if (owner === undefined) return false;
    await result?.record?.(connection, owner);
    if (isFinal && !result?.record) await recordFailure(parts, connection, task, failure);
    const { code, message: reason } = failure;
    await failAttempt(
      connection,
      task,
      { state: isFinal ? 'dead' : 'open', dueAt, code, reason, isCounted: true },
      now,
    );
    return true;
  });
  if (!isHeld) await recordLasting(parts, task, result);
}

/** Stores what counts of an attempt whose claim has ended. */
async function recordLasting({ pool }: ConnectorParts, task: ClaimedTask, result?: AttemptResult): Promise<void> {
  if (!result?.isLasting) return;
  await withTransaction(pool, async (connection) => {
    const owner = await lockUndoneTask(connection, task);
    if (owner !== undefined) await result.record?.(connection, owner);
  });
}

/** Part of a pause by which it may be shorter, so that what failed together does not come back together. */
const JITTER = 0.2;

function toPause({ first, longest }: Connector['retry'], attempt: number, random: number): Millis {
  const pause = doublePause(first, longest, attempt);
  return Math.round(pause * (1 - JITTER * random));
}

function toFailed(task: ClaimedTask, failure: CallFailure, isFinal: boolean, now: Millis): object {
  const type = task.kind === 'customer-import' ? CUSTOMER_IMPORT_FAILED : CARD_REGISTRATION_FAILED;
  const attempt = task.calls + 1;
  return markOwn({
    event_id: `${type} ${task.taskId} ${attempt}`,
    user_id: task.userId,
    event_type: type,
    event_timestamp: isoTime(now),
    properties: {
      ...{ connector: task.connector, task_id: task.taskId, attempt, code: failure.code, reason: failure.message },
      ...(task.productId !== null && { product_uuid: task.productId }),
      is_final: isFinal,
    },
  });
}
