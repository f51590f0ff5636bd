import { type KafkaTools, lookForKafka } from '../test/support/kafka/broker.ts';

/** Returns a sentence about what this machine lacks to run a broker; null: nothing. */
export function findMissingKafka(): string | null {
  const found = lookForKafka();
  return 'missing' in found ? found.missing : null;
}

/** Returns what runs a broker. @throws Error if this machine lacks it */
export function requireKafka(): KafkaTools {
  const found = lookForKafka();
  if ('missing' in found) throw new Error(found.missing);
  return found;
}
