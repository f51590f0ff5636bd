import type { Channel } from '../../model/delivery.ts';
import { maskText } from '../../privacy/mask.ts';
import type { Provider } from '../provider.ts';

/**
 * Returns a provider for internal alerts that writes one structured log line each, with the id of the user. The text is
 * masked once more: event data is masked already, but a template may contain or compose an address.
 * @param write writes the line
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
      return { kind: 'sent' };
    },
    close: async () => {},
  };
}
