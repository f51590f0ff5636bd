import { parseKafkaSettings } from '../src/kafka/parse-settings.ts';
import type { KafkaSettings } from '../src/model/kafka.ts';
import type { Broker } from '../test/support/kafka/broker.ts';

/** Returns the settings of a process that uses a broker, with no set pace. */
export function readKafkaSettings(broker: Broker): KafkaSettings {
  return parseKafkaSettings({
    TIDINGS_KAFKA_BROKERS: broker.address,
    TIDINGS_KAFKA_CLIENT_ID: 'bench',
    TIDINGS_KAFKA_GROUP: 'bench',
    TIDINGS_KAFKA_RATE: '1000000',
  }) as KafkaSettings;
}
