import type { Channel } from '../../model/delivery.ts';
import { maskText } from '../../privacy/mask.ts';
import type { Provider } from '../provider.ts';

/**
 * Internal alerts: one structured line each, for whoever watches the log. The person it is about is named by id. What an
 * event says is masked already; a template may hold an address of its own, or put one together.
 * @param write takes the line
 */
export function logProvider(channels: readonly Channel[], write: (line: object) => void): Provider {
  return {
    name: 'log',
    channels,
    concurrency: 100,
    keepsMessage: true,
    async send({ tenantId, notificationId, notificationType, userId, message }) {
      write({
        tenant_id: tenantId,
        notification_id: notificationId,
        notification_type: notificationType,
        user_id: userId,
        text: maskText(message.text),
      });
      return { kind: 'delivered' };
    },
    close: async () => {},
  };
}
