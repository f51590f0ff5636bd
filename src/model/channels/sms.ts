import type { ChannelDescriptor } from './descriptor.ts';

export const sms: ChannelDescriptor = {
  name: 'sms',
  label: 'SMS',
  phrase: 'by SMS',
  addressKind: 'phone',
  hasHostedTemplates: true,
  isChargedBySegment: true,
  parts: { needs: ['text'], oneOf: [], may: [] },
  limits: { text: { max: 1600, unit: 'characters', source: 'Twilio and Amazon SNS' } },
};
