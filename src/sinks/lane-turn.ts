import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { KafkaProducer, OutgoingMessage } from '../kafka/client.ts';
import { findSendFailure, type SendFailure } from '../kafka/errors.ts';
import type { TokenBucket } from '../lib/concurrency/token-bucket.ts';
import type { Millis } from '../model/event.ts';
import type { ParkedCode } from '../model/sink.ts';
import { published } from '../observe/happenings.ts';
import type { Seal } from '../privacy/seal.ts';
import type { ClaimedTopic } from '../store/kafka/lanes.ts';
import { deleteSent, parkMessage, readOutbox } from '../store/kafka/outbox.ts';
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
  /** Called when a message was set aside. */
  readonly onParked: (lane: ClaimedTopic, code: ParkedCode) => void;
}

/** Messages and bytes of one send; brokers take at most 1 MiB of a partition unless they are set otherwise. */
export const MAX_BATCH_MESSAGES = 500;
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

/** State that a turn leaves for the next one of its topic. */
export interface TurnEnd {
  /** Whether nothing waited. */
  readonly isEmpty: boolean;
  /** Messages of the next send. */
  readonly size: number;
}

/**
 * Sends the first messages of a topic in their order, one send after the other, until none is left or the turn is over. If the brokers
 * never take a message of a send, the next one has half of its messages, down to the one that is set aside; what is before it was sent
 * by then. Afterwards each send has twice as many as the one before. So a topic with many such messages loses one send for each, and
 * its turns take no longer than others.
 *
 * The claim is looked at before each send, so that a process which was frozen stops; what it had handed over may arrive once more,
 * and nothing arrives for the first time before what precedes it.
 * @param goodUntil time of `elapsed` until which the claim surely holds for a whole send
 * @param size messages of the first send, at most
 * @throws LaneFailure
 */
export async function takeTurn(
  parts: TurnParts,
  producer: KafkaProducer,
  lane: ClaimedTopic,
  goodUntil: Millis,
  size = MAX_BATCH_MESSAGES,
): Promise<TurnEnd> {
  const { pool, seal, bucket, elapsed, isStopping, onSent, onParked } = parts;
  const maxMessages = Math.min(MAX_BATCH_MESSAGES, Math.max(1, Math.floor(bucket.rate * BATCH_RATE_SHARE)));
  const overAt = elapsed() + TURN_MS;
  const isOver = () => elapsed() >= Math.min(goodUntil, overAt) || isStopping();
  let next = size;
  while (!isOver()) {
    const rows = await readOutbox(pool, lane, maxMessages, MAX_BATCH_BYTES);
    if (rows.length === 0) return { isEmpty: true, size: next };
    const batch: Outgoing[] = [];
    for (const row of rows) {
      const message = toMessage(seal, lane.tenantId, row);
      if (message) batch.push({ messageId: row.messageId, message });
      else await park(row.messageId, 'not_readable');
    }
    await sendAll(batch);
  }
  return { isEmpty: false, size: next };

  /** Sends messages until the turn is over, but at least once: otherwise a rate that is low would leave no time for any. */
  async function sendAll(batch: readonly Outgoing[]): Promise<void> {
    let isFirst = true;
    for (let from = 0; from < batch.length; isFirst = false) {
      const part = batch.slice(from, from + next);
      const wait = bucket.wait(part.length, elapsed());
      if (wait > 0) await sleep(wait);
      if (isFirst ? elapsed() >= goodUntil || isStopping() : isOver()) return;
      bucket.take(part.length, elapsed());
      const failure = await send(part);
      if (failure === undefined) next = Math.min(MAX_BATCH_MESSAGES, next * 2);
      else if (part.length === 1) await park((part[0] as Outgoing).messageId, failure);
      else {
        next = Math.ceil(part.length / 2);
        bucket.take(1 - part.length, elapsed());
        continue;
      }
      from += part.length;
    }
  }

  /** Returns why the brokers take some message of these never; undefined: they have taken all. */
  async function send(part: readonly Outgoing[]): Promise<ParkedCode | undefined> {
    try {
      await producer.send(
        lane.topic,
        part.map(({ message }) => message),
      );
    } catch (error) {
      const failure = findSendFailure(error);
      if (failure === 'too_large' || failure === 'not_accepted') return failure;
      throw new LaneFailure(failure, error);
    }
    onSent();
    await deleteSent(
      pool,
      lane,
      part.map(({ messageId }) => messageId),
    );
    if (published.hasSubscribers)
      published.publish({ tenantId: lane.tenantId, topic: lane.topic, messages: part.length });
    return undefined;
  }

  async function park(messageId: string, code: ParkedCode): Promise<void> {
    await parkMessage(pool, lane, messageId, code, parts.clock());
    onParked(lane, code);
  }
}
