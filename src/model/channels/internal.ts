import type { ChannelDescriptor } from './descriptor.ts';

/** Alerts for operators; never to the user. */
export const internal: ChannelDescriptor = {
  name: 'internal',
  label: 'internal',
  phrase: 'as an internal alert',
  isForOthers: true,
  ownProvider: 'log',
  parts: { needs: ['text'], oneOf: [], may: [] },
  limits: {},
  fallback: {
    text: '{{notification.type}}: {{notification.event_type}} of {{notification.user_id}} at {{notification.event_timestamp}}',
  },
};
