import type { Consumer } from 'kafkajs';
import type { Broker } from './broker.ts';

export interface ReadMessage {
  readonly key: string | null;
  readonly value: string;
  readonly headers: { readonly [name: string]: string };
  readonly partition: number;
}

/** Reads all messages of some topics by another client than the one that is tested. */
export class TopicReader {
  readonly #messages = new Map<string, ReadMessage[]>();
  readonly #consumer: Consumer;

  private constructor(consumer: Consumer) {
    this.#consumer = consumer;
  }

  static async open(broker: Broker, topics: readonly string[]): Promise<TopicReader> {
    const consumer = broker.kafka.consumer({
      groupId: `reader-${topics.join('-')}`,
      retry: { retries: 100, maxRetryTime: 1000 },
      maxWaitTimeInMs: 200,
    });
    const reader = new TopicReader(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, one]) => [name, String(one)] as const);
        reader.of(topic).push({
          key: message.key?.toString() ?? null,
          value: message.value?.toString() ?? '',
          headers: Object.fromEntries(headers),
          partition,
        });
      },
    });
    return reader;
  }

  /** The messages of a topic until now; those of a partition are in their order. */
  of(topic: string): ReadMessage[] {
    const known = this.#messages.get(topic) ?? [];
    this.#messages.set(topic, known);
    return known;
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect().catch(() => {});
  }
}
