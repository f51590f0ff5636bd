import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { KafkaProducer, OutgoingMessage } from '../kafka/client.ts';
import { findSendFailure, type SendFailure } from '../kafka/errors.ts';
import type { TokenBucket } from '../lib/concurrency/token-bucket.ts';
import type { Millis } from '../model/event.ts';
import type { ParkedCode } from '../model/sink.ts';
import { published } from '../observe/happenings.ts';
import type { Seal } from '../privacy/seal.ts';
import { deleteSent, parkMessage, readOutbox } from '../store/kafka/outbox.ts';
import type { ClaimedTopic } from '../store/kafka/topics.ts';
import { toMessage } from './to-message.ts';

export interface TurnParts {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  readonly clock: () => Millis;
  /** A monotonic clock that goes on while the machine is suspended. */
  readonly elapsed: () => Millis;
  /** Messages per second. */
  readonly bucket: TokenBucket;
  /** Whether the process is about to stop. */
  readonly isStopping: () => boolean;
  /** Called when the brokers have acknowledged messages. */
  readonly onSent: () => void;
  /** Called for a message that is set aside. */
  readonly onParked: (lane: ClaimedTopic, messageId: string, code: ParkedCode) => void;
}

/** Messages and bytes of one send; brokers take at most 1 MiB of a partition unless they are set otherwise. */
const MAX_BATCH_MESSAGES = 500;
const MAX_BATCH_BYTES = 900_000;
/** Part of the messages of a second that a batch has at most: a longer wait for the rate would outlast the claim. */
const BATCH_RATE_SHARE = 0.25;
/** Time (ms) after which other topics have their turn. */
const TURN_MS = 500;

/** A send failed for a reason that the next one has as well. */
export class LaneFailure extends Error {
  readonly failure: Exclude<SendFailure, 'too_large' | 'not_accepted'>;

  constructor(failure: LaneFailure['failure'], cause: unknown) {
    super(failure, { cause });
    this.failure = failure;
  }
}

interface Outgoing {
  readonly messageId: string;
  readonly message: OutgoingMessage;
}

/**
 * Sends the first messages of a topic in their order, one batch after the other, until none is left or the turn is over. A message
 * that the brokers never take is found by halving its batch, and set aside; what is before it was sent by then.
 *
 * The claim is looked at before each send, so that a process which was frozen stops; what it had handed over may arrive once more,
 * and nothing arrives for the first time before what precedes it.
 * @param goodUntil time of `elapsed` until which the claim surely holds for a whole send
 * @throws LaneFailure
 */
export async function takeTurn(
  parts: TurnParts,
  producer: KafkaProducer,
  lane: ClaimedTopic,
  goodUntil: Millis,
): Promise<void> {
  const { pool, seal, bucket, elapsed, isStopping, onSent, onParked } = parts;
  const maxMessages = Math.min(MAX_BATCH_MESSAGES, Math.max(1, Math.floor(bucket.rate * BATCH_RATE_SHARE)));
  const mayGoOn = () => elapsed() < goodUntil && !isStopping();
  const overAt = elapsed() + TURN_MS;
  while (mayGoOn() && elapsed() < overAt) {
    const rows = await readOutbox(pool, lane, maxMessages, MAX_BATCH_BYTES);
    if (rows.length === 0) return;
    const batch: Outgoing[] = [];
    for (const row of rows) {
      const message = toMessage(seal, lane.tenantId, row);
      if (message) batch.push({ messageId: row.messageId, message });
      else await park(row.messageId, 'not_readable');
    }
    const wait = bucket.wait(batch.length, elapsed());
    if (wait > 0) await sleep(wait);
    bucket.take(batch.length, elapsed());
    if (batch.length > 0 && !(await send(batch))) return;
  }

  /** Returns false if the claim may be over. */
  async function send(batch: readonly Outgoing[]): Promise<boolean> {
    if (!mayGoOn()) return false;
    try {
      await producer.send(
        lane.topic,
        batch.map(({ message }) => message),
      );
    } catch (error) {
      const failure = findSendFailure(error);
      if (failure !== 'too_large' && failure !== 'not_accepted') throw new LaneFailure(failure, error);
      if (batch.length === 1) {
        await park((batch[0] as Outgoing).messageId, failure);
        return true;
      }
      const middle = Math.ceil(batch.length / 2);
      return (await send(batch.slice(0, middle))) && (await send(batch.slice(middle)));
    }
    onSent();
    await deleteSent(
      pool,
      lane,
      batch.map(({ messageId }) => messageId),
    );
    if (published.hasSubscribers)
      published.publish({ tenantId: lane.tenantId, topic: lane.topic, messages: batch.length });
    return true;
  }

  async function park(messageId: string, code: ParkedCode): Promise<void> {
    await parkMessage(pool, lane, messageId, code, parts.clock());
    onParked(lane, messageId, code);
  }
}
