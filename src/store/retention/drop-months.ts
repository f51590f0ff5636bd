import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import { getSqlState } from '../pg/errors.ts';
import { loadPartitions, type Partition } from '../pg/partition-ranges.ts';
import type { RetentionStep } from './steps.ts';

/** Time in ms that dropping a month waits for its lock, while every statement on the table waits behind it. */
const LOCK_TIMEOUT_MS: Millis = 100;
const MAX_TRIES = 3;
const RETRY_PAUSE_MS: Millis = 1000;

/** Months of a table whose rows are all older than a cutoff. */
export interface ExpiredMonths {
  readonly droppable: readonly Partition[];
  /** Some of their rows are still needed. */
  readonly blocked: readonly Partition[];
}

export async function findExpiredMonths(
  connection: pg.PoolClient,
  step: RetentionStep,
  cutoff: Millis,
): Promise<ExpiredMonths> {
  const droppable: Partition[] = [];
  const blocked: Partition[] = [];
  const partitions = step.partitioned ? await loadPartitions(connection, step.partitioned) : [];
  for (const partition of partitions.filter(({ to }) => to <= cutoff)) {
    const isBlocked =
      step.blockedBy !== undefined &&
      (await connection.query(step.blockedBy, [uuidAt(partition.from), uuidAt(partition.to)])).rows.length > 0;
    (isBlocked ? blocked : droppable).push(partition);
  }
  return { droppable, blocked };
}

/** Drops a month. Returns false if the table is in use by a reader that stays open: the next run tries again. */
export async function dropMonth(connection: pg.PoolClient, { name }: Partition): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      await connection.query(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}; drop table ${name}; commit`);
      return true;
    } catch (error) {
      await connection.query('rollback');
      // 42P01: another process has dropped it.
      if (getSqlState(error) === '42P01') return true;
      if (getSqlState(error) !== '55P03') throw error;
      if (attempt === MAX_TRIES) return false;
      await pause(RETRY_PAUSE_MS);
    }
  }
}

/** Returns the cutoff as the parameter of a step's condition. */
export function toCutoffParam({ isById }: RetentionStep, cutoff: Millis): string {
  return isById ? uuidAt(cutoff) : isoTime(cutoff);
}
