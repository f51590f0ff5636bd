import type { ChannelDescriptor } from './descriptor.ts';

export const webhook: ChannelDescriptor = {
  name: 'webhook',
  label: 'webhook',
  phrase: 'by webhook',
  isForOthers: true,
  targets: 'endpoints',
  ownProvider: 'webhook',
  retriesForDays: true,
  parts: { needs: [], oneOf: ['text', 'data'], may: [] },
  limits: {},
  whole: { max: 262_144, unit: 'bytes', source: 'Tidings' },
  fallback: {
    data: JSON.stringify({
      notification_type: '{{notification.type}}',
      user_id: '{{notification.user_id}}',
      event_type: '{{notification.event_type}}',
      event_timestamp: '{{notification.event_timestamp}}',
      event: '{{event}}',
    }),
  },
  hasTargetLanes: true,
};
