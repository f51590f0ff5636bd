import { CHANNELS, type Channel } from '../model/delivery.ts';
import { type DeliveryId, formatDeliveryId } from '../model/delivery-id.ts';
import type { DeliveryFilter, JobFailure } from '../model/job.ts';
import { cancelDeliveries, previewDeliveries, type QueuedPosition, scanQueued } from '../store/jobs/delivery-jobs.ts';
import type { JobAction } from './action.ts';
import { chooseMatching } from './retry-deliveries.ts';

/** Deliveries that a chunk looks at, matching or not. */
const MAX_SCANNED = 2000;
/** Times that the queue is gone through, as long as matching deliveries are being sent; a failed send queues them again. */
const MAX_PASSES = 30;
const PASS_PAUSE_MS = 2000;
/** Later than any due time before the first. */
const START = { dueAt: 0, notificationId: '00000000-0000-0000-0000-000000000000', target: '' };

interface Position extends QueuedPosition {
  /** From 1. */
  readonly pass: number;
  /** Matching deliveries that were being sent in this pass. */
  readonly sending: number;
}

/**
 * Cancels deliveries that are queued. One that is being sent cannot be cancelled: the job waits for its end, and lists it as a
 * failure if that takes more than MAX_PASSES.
 */
export const cancelDeliveriesAction: JobAction<DeliveryFilter> = {
  preview: ({ pool }, scope) => previewDeliveries(pool, scope, 'queued'),

  async runChunk({ clock }, { scope, cursor, limit }, commit) {
    const channels = CHANNELS.filter((one) => (scope.filter.channel ?? one) === one);
    const first = channels[0] as Channel;
    const at = (cursor as unknown as Position | null) ?? { ...START, channel: first, pass: 1, sending: 0 };
    await commit(async (connection) => {
      const scanned = await scanQueued(connection, scope, at, MAX_SCANNED);
      const { chosen, last } = chooseMatching(scanned, limit);
      const queued = chosen.filter(({ status }) => status === 'queued');
      const busy = chosen.filter(({ status }) => status === 'sending');
      const done = await cancelDeliveries(connection, scope, queued, clock());
      // A delivery that was claimed between the two statements is being sent as well.
      const sending = at.sending + busy.length + queued.length - done;
      const failures = at.pass < MAX_PASSES ? [] : busy.map(toFailure);
      const next = nextPosition(at, channels, last, scanned.length < MAX_SCANNED && last === scanned.at(-1), sending);
      return {
        cursor: next && { ...next },
        done,
        skipped: 0,
        failures,
        ...(next && next.pass > at.pass && { pause: PASS_PAUSE_MS }),
      };
    });
  },
};

/** Returns where to continue: on this channel, the next one, or in another pass; null: the job is done. */
function nextPosition(
  at: Position,
  channels: readonly Channel[],
  last: Omit<QueuedPosition, 'channel'> | undefined,
  isChannelDone: boolean,
  sending: number,
): Position | null {
  if (last && !isChannelDone) {
    const { dueAt, notificationId, target } = last;
    return { ...at, dueAt, notificationId, target, sending };
  }
  const channel = channels[channels.indexOf(at.channel) + 1];
  if (channel) return { ...START, channel, pass: at.pass, sending };
  if (sending === 0 || at.pass === MAX_PASSES) return null;
  return { ...START, channel: channels[0] as Channel, pass: at.pass + 1, sending: 0 };
}

function toFailure(id: DeliveryId): JobFailure {
  return {
    item: formatDeliveryId(id),
    code: 'being_sent',
    message: 'The delivery was being sent all the time, so it could not be cancelled.',
  };
}
