import { getRetryPeriod } from '../delivery/delivery-admin.ts';
import { TidingsError } from '../errors.ts';
import { canRetry, parseGroupId } from '../model/dead-letter.ts';
import type { ChunkResult, DeadLetterFilter } from '../model/job.ts';
import type { LetterPosition } from '../store/deliveries/dead-letters.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import {
  cancelDeadLetters,
  type FoundLetter,
  previewDeadLetters,
  retryDeadLetters,
  scanDeadLetters,
} from '../store/jobs/dead-letter-jobs.ts';
import type { JobAction } from './action.ts';

/** Dead letters that a chunk changes, at most. */
const MAX_CHUNK_LETTERS = 2000;

/** Queues the dead letters of a group again, each once: one that fails again is not retried again. */
export const retryDeadLettersAction: JobAction<DeadLetterFilter> = {
  async check(_, { filter }) {
    const group = parseGroupId(filter.group);
    if (group && !canRetry(group.reasonCode)) {
      const message = `What is ${group.reasonCode} can no longer be sent; cancel the group instead.`;
      throw new TidingsError('invalid_request', message, { pointer: '/filter/group' });
    }
  },

  preview: ({ pool }, scope) => previewDeadLetters(pool, scope),

  async runChunk({ pool, catalogs, clock }, { scope, cursor, limit }, commit) {
    const { rules } = await catalogs.refresh(scope.tenantId);
    let queued = 0;
    await commit(async (connection) => {
      const size = Math.min(limit, MAX_CHUNK_LETTERS);
      const found = await scanDeadLetters(connection, scope, cursor as unknown as LetterPosition | null, size);
      const retryFor = found.map(({ type }) => getRetryPeriod(rules, type));
      queued = await retryDeadLetters(connection, scope, found, retryFor, clock());
      return toResult(found, queued, size);
    });
    if (queued > 0) await announceDeliveries(pool);
  },
};

/** Cancels the dead letters of a group: they are listed no more, and nothing queues them again. */
export const cancelDeadLettersAction: JobAction<DeadLetterFilter> = {
  preview: ({ pool }, scope) => previewDeadLetters(pool, scope),

  async runChunk(_, { scope, cursor, limit }, commit) {
    await commit(async (connection) => {
      const size = Math.min(limit, MAX_CHUNK_LETTERS);
      const found = await scanDeadLetters(connection, scope, cursor as unknown as LetterPosition | null, size);
      return toResult(found, await cancelDeadLetters(connection, scope, found), size);
    });
  },
};

/** @param size of a full chunk: after a smaller one there are no more */
function toResult(found: readonly FoundLetter[], done: number, size: number): ChunkResult {
  const last = found.at(-1);
  const isLast = !last || found.length < size;
  return {
    cursor: isLast ? null : toPosition(last),
    done,
    // Changed since the page was read.
    skipped: found.length - done,
    failures: [],
  };
}

function toPosition({ finishedAt, notificationId, channel, target }: LetterPosition) {
  return { finishedAt, notificationId, channel, target };
}
