import type { Outgoing } from '../channels/provider.ts';
import type { Channel, Message, Target } from '../model/delivery.ts';

/** Type of the notification that a test message says it is of. */
const TEST_TYPE = 'TIDINGS_TEST';

const TEXT = 'This is a test message from Tidings. If you can read it, the account works.';

/** Returns a plain message on a channel, for trying an account. @param test.operationId the same when the request is repeated */
export function buildTestMessage(test: {
  readonly tenantId: string;
  readonly channel: Channel;
  readonly target: Target;
  readonly operationId: string;
}): Outgoing {
  const { tenantId, channel, target, operationId } = test;
  return {
    tenantId,
    notificationId: operationId,
    notificationType: TEST_TYPE,
    channel,
    userId: 'test',
    target,
    message: MESSAGES[channel] ?? { text: TEXT },
    idempotencyKey: `${operationId}.${channel}`,
    attempt: 1,
    isUrgent: true,
  };
}

const MESSAGES: { readonly [channel in Channel]?: Message } = {
  email: { subject: 'Test message from Tidings', text: TEXT },
  push: { title: 'Tidings', text: TEXT },
  webhook: { text: TEXT, data: { type: TEST_TYPE, text: TEXT } },
};
