import { randomUUID } from 'node:crypto';
import { Broker, type KafkaTools } from '../support/kafka/broker.ts';

/** The names in examples/lending/sources.yaml, and in sinks.yaml. */
const PRODUCT_STATUS = 'prd.default.account-opening.avant-basic.event-publisher.product-status';
const MESSAGE_INTENT = 'prd.default.notification-service.message-intent';
export const MESSAGE_OUTCOME = 'prd.default.notification-service.message-outcome';

export interface ProductStatus {
  readonly customer_uuid: string;
  readonly product_uuid: string;
  readonly product: 'LOAN' | 'CREDIT';
  readonly status: string;
}

export interface MessageIntent {
  readonly customer_uuid: string;
  /** A notification type. */
  readonly notification: string;
  readonly variables: object;
}

/** The lender's other services, as far as they write into topics. */
export interface Publisher {
  /** Destination of what they write, for the terminal. */
  readonly statusTopic: string;
  readonly intentTopic: string;
  publishStatus(status: ProductStatus): Promise<void>;
  publishIntent(intent: MessageIntent): Promise<void>;
}

export type Call = <T>(
  method: string,
  path: string,
  body?: object,
  headers?: { readonly [name: string]: string },
) => Promise<T>;

/** Starts a broker that has the topics of the lender. */
export async function startTopics(tools: KafkaTools): Promise<Broker> {
  const broker = await Broker.start(tools);
  try {
    for (const topic of [PRODUCT_STATUS, MESSAGE_INTENT, MESSAGE_OUTCOME]) await broker.createTopic(topic, 3);
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

/** Writes messages into the topics; the customer is the key, so that those of one are read in their order. */
export function publishToTopics(broker: Broker): Publisher {
  const publish = async (topic: string, customer: string, message: object) => {
    const producer = await broker.producer();
    await producer.send({ topic, messages: [{ key: customer, value: JSON.stringify(message) }] });
  };
  return {
    statusTopic: `the topic ${PRODUCT_STATUS}`,
    intentTopic: `the topic ${MESSAGE_INTENT}`,
    publishStatus: (status) =>
      publish(PRODUCT_STATUS, status.customer_uuid, {
        ...status,
        event_uuid: randomUUID(),
        occurred_at: new Date().toISOString(),
      }),
    publishIntent: (intent) =>
      publish(MESSAGE_INTENT, intent.customer_uuid, {
        ...intent,
        intent_uuid: randomUUID(),
        created_at: new Date().toISOString(),
      }),
  };
}

/** Hands the same in over HTTP, as the sources of the catalog map it. */
export function publishOverHttp(call: Call): Publisher {
  return {
    statusTopic: 'POST /api/v1/events',
    intentTopic: 'POST /api/v1/notifications',
    async publishStatus({ customer_uuid, ...properties }) {
      await call('POST', '/events', {
        event_id: randomUUID(),
        user_id: customer_uuid,
        event_type: 'product_status_changed',
        event_timestamp: new Date().toISOString(),
        properties,
      });
    },
    async publishIntent({ customer_uuid, notification, variables }) {
      const request = { type: notification, channels: ['push'], variables, recipients: [{ user_id: customer_uuid }] };
      await call('POST', '/notifications', request, { 'idempotency-key': randomUUID() });
    },
  };
}
