import type { ChannelDescriptor } from './descriptor.ts';

/** The text is what notifications and programs without blocks show. */
export const chat: ChannelDescriptor = {
  name: 'chat',
  label: 'chat',
  phrase: 'by chat',
  isForOthers: true,
  hasHostedTemplates: true,
  parts: { needs: ['text'], oneOf: [], may: ['blocks'] },
  limits: {
    text: { max: 40_000, unit: 'characters', source: 'Slack' },
    blocks: { max: 50, unit: 'entries', source: 'Slack' },
  },
};
