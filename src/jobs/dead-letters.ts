import { getRetryPeriod } from '../delivery/delivery-admin.ts';
import { TidingsError } from '../errors.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { canRetry, parseGroupId } from '../model/dead-letter.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { AddressKind } from '../model/event.ts';
import type { ChunkResult, DeadLetterFilter } from '../model/job.ts';
import { isSuppressible, SUPPRESSIBLE_CHANNELS, type SuppressibleChannel } from '../model/suppression.ts';
import type { LetterPosition } from '../store/deliveries/dead-letters.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import {
  cancelDeadLetters,
  type FoundLetter,
  findLetterAddresses,
  previewDeadLetters,
  retryDeadLetters,
  scanDeadLetters,
} from '../store/jobs/dead-letter-jobs.ts';
import { addSuppressions } from '../store/suppressions.ts';
import type { JobAction } from './action.ts';

/** Dead letters that a chunk changes, at most. */
const MAX_CHUNK_LETTERS = 2000;

/** Addresses that a chunk suppresses, at most: each is a statement, and an entry of the audit log. */
const MAX_CHUNK_ADDRESSES = 200;

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

/**
 * Suppresses the addresses to which the dead letters of a group went: nothing is sent to them until that is lifted. The dead letters
 * stay. Those whose user has another address by now are skipped, as are addresses that are suppressed already.
 */
export const suppressDeadLettersAction: JobAction<DeadLetterFilter> = {
  async check(_, { filter }) {
    const group = parseGroupId(filter.group);
    if (group && !isSuppressible(group.channel)) {
      const message = `Only addresses of ${SUPPRESSIBLE_CHANNELS.join(' and ')} can be suppressed.`;
      throw new TidingsError('invalid_request', message, { pointer: '/filter/group' });
    }
  },

  preview: ({ pool }, scope) => previewDeadLetters(pool, scope),

  async runChunk({ clock }, { scope, actor, cursor, limit }, commit) {
    const channel = parseGroupId(scope.filter.group)?.channel as SuppressibleChannel;
    const kind = CHANNEL_DESCRIPTORS[channel].addressKind as AddressKind;
    await commit(async (connection) => {
      const size = Math.min(limit, MAX_CHUNK_ADDRESSES);
      const found = await scanDeadLetters(connection, scope, cursor as unknown as LetterPosition | null, size);
      const addresses = await findLetterAddresses(connection, scope.tenantId, kind, found);
      const now = clock();
      const wanted = addresses.map(({ hash, mask, reasonCode, reason, ...letter }) => ({
        tenantId: scope.tenantId,
        channel,
        addressHash: hash,
        addressMask: mask,
        scope: 'all',
        reason: 'manual' as const,
        since: now,
        until: null,
        evidence: {
          source: 'job',
          by: actor.name,
          delivery_id: formatDeliveryId(letter),
          reason_code: reasonCode,
          reason,
        },
      }));
      const added = await addSuppressions(connection, wanted, actor, now);
      return toResult(found, added.length, size);
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
    // Changed since the page was read, or already so.
    skipped: found.length - done,
    failures: [],
  };
}

function toPosition({ finishedAt, notificationId, channel, target }: LetterPosition) {
  return { finishedAt, notificationId, channel, target };
}
