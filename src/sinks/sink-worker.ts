import type pg from 'pg';
import type { Logger } from 'pino';
import { rejectTopic } from '../kafka/allowed-topics.ts';
import { type KafkaProducer, openProducer } from '../kafka/client.ts';
import { describeKafkaError } from '../kafka/errors.ts';
import { Signal } from '../lib/concurrency/signal.ts';
import { TokenBucket } from '../lib/concurrency/token-bucket.ts';
import { waitAtMost } from '../lib/concurrency/wait-at-most.ts';
import { doublePause } from '../lib/doubling-pause.ts';
import { Progress } from '../lib/progress.ts';
import { suspendClock } from '../lib/suspend-clock.ts';
import type { Millis } from '../model/event.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import type { SinkState, TopicProblem } from '../model/sink.ts';
import { publishFailed } from '../observe/happenings.ts';
import type { Seal } from '../privacy/seal.ts';
import {
  type ClaimedTopic,
  claimTopics,
  failTopic,
  findReadyTopics,
  hasHeldBack,
  releaseTopic,
  retryTopics,
} from '../store/kafka/lanes.ts';
import { renumberForeign } from '../store/kafka/outbox.ts';
import { LaneFailure, MAX_BATCH_MESSAGES, type TurnParts, takeTurn } from './lane-turn.ts';
import { ParkedReport } from './parked-report.ts';
import { TopicKeeper } from './topic-keeper.ts';

export interface SinkWorkerParts {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  readonly clock: () => Millis;
  /** Whether this process may act now: not while its clock is wrong. */
  readonly mayAct: () => boolean;
  readonly log: Logger;
  readonly settings: KafkaSettings;
  /** The tenant of the installation. */
  readonly tenant: string;
  /** Makes the producers; by default those of the Kafka client. */
  readonly open?: (settings: KafkaSettings) => Promise<KafkaProducer>;
  /** Pause between two looks at the outbox in ms. */
  readonly poll: Millis;
  /** Time in ms for which a topic is claimed. Default one minute. */
  readonly claim?: Millis;
}

/** Topics that a process writes at once, and how many of them may have failed before. */
const SLOTS = 4;
const FAILING_SLOTS = 1;
/** A claim (ms), in whose second half no send begins: one takes 20 s at most. */
const CLAIM_MS: Millis = 60_000;
/** Pauses (ms) after failures in a row: of a topic, and of the brokers. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
const FIRST_AWAY_MS = 500;
const LAST_AWAY_MS = 10_000;
/**
 * Time (ms) that a stop waits for sends under way, and for connections to close: brokers that hang must not keep other work from
 * its orderly end. What was sent then is sent once more, as after a crash.
 */
const MAX_STOP_MS = 3000;
/** Pause (ms) between looks while only transactions that are open hold messages back; and for how long after a wake. */
const SOON_MS = 20;
const SOON_FOR_MS = 2000;

/**
 * Sends what is recorded for Kafka topics. Each topic is a lane: its messages go one batch after the other, in order, by one process
 * at a time. Topics take turns, so a long queue holds up no other one, and those that fail share one place.
 */
export class SinkWorker {
  readonly #parts: SinkWorkerParts;
  readonly #signal = new Signal();
  readonly #progress = new Progress();
  readonly #elapsed = suspendClock();
  readonly #running = new Set<Promise<void>>();
  readonly #keeper: TopicKeeper;
  readonly #turn: TurnParts;
  readonly #parked: ParkedReport;
  /** Messages of the next send of topics that have some which the brokers never take. */
  readonly #sizes = new Map<string, number>();
  #producers: KafkaProducer[] = [];
  /** Topics under way that have failed before. */
  #failing = 0;
  #keeping: Promise<void> | undefined;
  #isStopping = false;
  #done: Promise<void> = Promise.resolve();
  #problem: string | null = null;
  #awayUntil = 0;
  #away = FIRST_AWAY_MS;
  #soonUntil = 0;
  #keptAt = Number.NEGATIVE_INFINITY;
  /** When the brokers last acknowledged messages, of any topic. */
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(parts: SinkWorkerParts) {
    this.#parts = parts;
    this.#keeper = new TopicKeeper(parts);
    const { pool, seal, clock, settings, log } = parts;
    this.#parked = new ParkedReport(log, this.#elapsed);
    this.#turn = {
      pool,
      seal,
      clock,
      elapsed: this.#elapsed,
      bucket: new TokenBucket(settings.out.rate, this.#elapsed()),
      isStopping: () => this.#isStopping,
      onSent: () => {
        this.#sentAt = this.#elapsed();
      },
      onParked: ({ tenantId, topic }, code) => {
        if (publishFailed.hasSubscribers) publishFailed.publish({ tenantId, topic, code });
        this.#parked.add(tenantId, topic, code);
      },
    };
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Looks at the outbox now. */
  wake(): void {
    this.#soonUntil = this.#elapsed() + SOON_FOR_MS;
    this.#signal.set();
  }

  /** Begins no send, and resolves when those under way have ended, or the brokers have not answered for `maxWait` ms. */
  async stop(maxWait = MAX_STOP_MS): Promise<void> {
    this.#isStopping = true;
    this.#signal.set();
    await this.#done;
    await this.#keeping;
    await waitAtMost(maxWait, this.#end());
    this.#parked.tell(true);
  }

  async #end(): Promise<void> {
    await Promise.all(this.#running);
    await Promise.all(this.#producers.map((one) => one.close()));
  }

  /** Time (ms) since the loop last came to its next step, for health reports. */
  get idleTime(): Millis {
    return this.#progress.idleTime;
  }

  get state(): SinkState {
    return { problem: this.#problem };
  }

  async #run(): Promise<void> {
    const { pool, poll, mayAct, log } = this.#parts;
    let isChecked = false;
    while (!this.#isStopping) {
      this.#progress.mark();
      let pause = poll;
      try {
        if (mayAct()) {
          if (!isChecked) await renumberForeign(pool);
          isChecked = true;
          if (this.#elapsed() - this.#keptAt >= poll) this.#keep();
          this.#parked.tell(false);
          await this.#claim();
          if (this.#elapsed() < this.#soonUntil && (await hasHeldBack(pool))) pause = SOON_MS;
        }
      } catch (error) {
        log.warn({ err: error }, 'messages for Kafka topics could not be read; trying again');
      }
      if (!this.#isStopping) await this.#signal.sleep(pause);
    }
  }

  /** Opens and measures topics, beside what is sent. */
  #keep(): void {
    if (this.#keeping) return;
    this.#keptAt = this.#elapsed();
    const keep = async () => {
      await this.#keeper.open();
      await this.#keeper.measure();
    };
    this.#keeping = keep()
      .catch((error) =>
        this.#parts.log.warn({ err: error }, 'Kafka topics could not be opened or measured; trying again'),
      )
      .finally(() => {
        this.#keeping = undefined;
      });
  }

  /** Claims topics for the places that are free. */
  async #claim(): Promise<void> {
    const { pool, clock, claim = CLAIM_MS } = this.#parts;
    const isAway = this.#problem !== null;
    if (isAway && this.#elapsed() < this.#awayUntil) return;
    // While the brokers are away, one topic asks whether they are back.
    const free = (isAway ? 1 : SLOTS) - this.#running.size;
    if (free <= 0) return;
    await findReadyTopics(pool);
    const askedAt = this.#elapsed();
    const now = clock();
    const lanes = await claimTopics(pool, now, now + claim, free, Math.max(0, FAILING_SLOTS - this.#failing));
    for (const lane of lanes) {
      const isFailing = lane.failures > 0;
      if (isFailing) this.#failing++;
      const running: Promise<void> = this.#work(lane, askedAt + claim / 2).finally(() => {
        this.#running.delete(running);
        if (isFailing) this.#failing--;
        this.#signal.set();
      });
      this.#running.add(running);
    }
  }

  async #work(lane: ClaimedTopic, goodUntil: Millis): Promise<void> {
    const { pool, settings, tenant, open = openProducer } = this.#parts;
    const began = this.#elapsed();
    let producer: KafkaProducer | undefined;
    try {
      if (rejectTopic(settings, tenant, lane.tenantId, lane.topic) !== undefined) {
        await this.#fail(lane, 'not_allowed', undefined);
        return;
      }
      producer = this.#producers.pop() ?? (await open(settings));
      const name = `${lane.tenantId} ${lane.topic}`;
      const { isEmpty, size } = await takeTurn(this.#turn, producer, lane, goodUntil, this.#sizes.get(name));
      if (size < MAX_BATCH_MESSAGES) this.#sizes.set(name, size);
      else this.#sizes.delete(name);
      if (this.#problem !== null) await this.#recover();
      this.#producers.push(producer);
      producer = undefined;
      await releaseTopic(pool, lane, isEmpty);
    } catch (error) {
      // It is not known what was sent: another producer goes on.
      void producer?.close();
      const { failure, cause } = error instanceof LaneFailure ? error : { failure: 'failing' as const, cause: error };
      // If another topic was written meanwhile, only the broker of this one is away: the others do not wait for it.
      const isOwn = failure === 'brokers_away' && this.#sentAt >= began;
      await this.#fail(lane, isOwn ? 'failing' : failure, cause).catch(() => {});
    }
  }

  async #fail(lane: ClaimedTopic, problem: TopicProblem, error: unknown): Promise<void> {
    const { pool, clock, log } = this.#parts;
    const now = clock();
    const { tenantId, topic, failures } = lane;
    let pause = doublePause(FIRST_RETRY_MS, LAST_RETRY_MS, failures + 1);
    if (problem === 'brokers_away') {
      this.#tell(error);
      pause = this.#away;
      this.#awayUntil = this.#elapsed() + this.#away;
      this.#away = Math.min(this.#away * 2, LAST_AWAY_MS);
    } else if (failures === 0) {
      const line = { tenant_id: tenantId, topic, problem, ...(error !== undefined && { err: error }) };
      log.warn(line, 'a Kafka topic cannot be written; its messages wait');
    }
    if (publishFailed.hasSubscribers) publishFailed.publish({ tenantId, topic, code: problem });
    await failTopic(pool, lane, problem, now, now + pause);
  }

  /** Logs a problem once, until it is another one or over. */
  #tell(error: unknown): void {
    const problem = describeKafkaError(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#parts.log.warn({ err: error }, `Kafka topics are not written: ${problem}; trying again`);
  }

  async #recover(): Promise<void> {
    this.#problem = null;
    this.#away = FIRST_AWAY_MS;
    this.#parts.log.info('Kafka topics are written again');
    await retryTopics(this.#parts.pool);
  }
}
