import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import type { ParkedCode } from '../model/sink.ts';

/** Shortest time (ms) between two lines about a topic. */
const LINE_MS: Millis = 60_000;

interface Parked {
  readonly tenantId: string;
  readonly topic: string;
  /** Since the last line. */
  counts: { [code in ParkedCode]?: number };
  toldAt: Millis;
}

/** Logs which topics had messages set aside, by their number: a million of them make no million lines. */
export class ParkedReport {
  readonly #log: Logger;
  readonly #elapsed: () => Millis;
  readonly #topics = new Map<string, Parked>();

  constructor(log: Logger, elapsed: () => Millis) {
    this.#log = log;
    this.#elapsed = elapsed;
  }

  /** Counts a message. */
  add(tenantId: string, topic: string, code: ParkedCode): void {
    const name = `${tenantId} ${topic}`;
    let parked = this.#topics.get(name);
    if (!parked) {
      parked = { tenantId, topic, counts: {}, toldAt: Number.NEGATIVE_INFINITY };
      this.#topics.set(name, parked);
    }
    parked.counts[code] = (parked.counts[code] ?? 0) + 1;
  }

  /** Logs what was counted, of each topic once a minute at most. @param isLast now, whenever the last line was */
  tell(isLast: boolean): void {
    if (this.#topics.size === 0) return;
    const now = this.#elapsed();
    for (const [name, parked] of this.#topics) {
      if (!isLast && now - parked.toldAt < LINE_MS) continue;
      const { tenantId, topic, counts } = parked;
      const messages = Object.values(counts).reduce((sum, count) => sum + count, 0);
      if (messages === 0) {
        this.#topics.delete(name);
        continue;
      }
      const line = { tenant_id: tenantId, topic, messages, codes: counts };
      this.#log.error(line, 'messages for a Kafka topic were set aside: the topic goes on without them');
      parked.counts = {};
      parked.toldAt = now;
    }
  }
}
