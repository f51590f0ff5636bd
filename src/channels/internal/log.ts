import { truncateText } from '../../lib/text/truncate-text.ts';
import type { Channel } from '../../model/delivery.ts';
import { maskText } from '../../privacy/mask.ts';
import type { Provider } from '../provider.ts';

/** Bound of the text in a line, in characters: lines wait in memory until the log takes them. The console has all of it. */
const MAX_LOGGED_CHARS = 4096;

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
    takesHosted: true,
    async send({ tenantId, notificationId, notificationType, userId, message }) {
      write({
        tenant_id: tenantId,
        notification_id: notificationId,
        notification_type: notificationType,
        user_id: userId,
        text: truncateText(maskText(message.text), MAX_LOGGED_CHARS),
      });
      return { kind: 'sent' };
    },
    close: async () => {},
  };
}
