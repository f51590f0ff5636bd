import { CHANNELS, type Channel } from '../../../src/model/delivery.ts';

/** Notification types of each channel: one that is sent again when in doubt, and one that is held. */
export const TYPES: readonly { readonly channel: Channel; readonly type: string; readonly event: string }[] =
  CHANNELS.flatMap((channel) =>
    ['', '_HELD'].map((suffix) => {
      const type = `${channel.toUpperCase()}${suffix}`;
      return { channel, type, event: `${type.toLowerCase()}_due` };
    }),
  );

/** Finds the id of the notification in a message, as the templates write it. */
export const MARK = /nid-([0-9a-f-]{36})/;

/** Returns the catalog of every tenant: each event sends one notification of one channel, whose text has its id. */
export function chaosCatalog(): ReadonlyMap<string, string> {
  const lines = (line: (of: (typeof TYPES)[number]) => string) => TYPES.map(line).join('\n');
  return new Map([
    ['events.yaml', `events:\n${lines(({ event }) => `  ${event}: {}`)}\ntraits: { email: string, phone: string }\n`],
    [
      'notifications.yaml',
      `notifications:\n${lines(({ channel, type }) => {
        const policy = type.endsWith('_HELD') ? 'hold' : 'resend';
        return `  ${type}: { category: TRANSACTIONAL, channels: [${channel}], in_doubt: ${policy} }`;
      })}\n`,
    ],
    ['rules.yaml', `rules:\n${lines(({ type, event }) => `  ${type}: { on: ${event} }`)}\n`],
    ...TYPES.flatMap(({ channel, type }): [string, string][] => [
      [`templates/${type}/${channel}.en.txt`, 'nid-{{notification.id}}'],
      ...(channel === 'email' ? [[`templates/${type}/email.en.subject.txt`, 'Due'] as [string, string]] : []),
    ]),
  ]);
}
