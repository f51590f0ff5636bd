import type { ChannelDescriptor } from './descriptor.ts';

export const inApp: ChannelDescriptor = {
  name: 'in_app',
  label: 'in-app',
  phrase: 'in the app',
  ownProvider: 'inbox',
  isSilent: true,
  arrivesAtOnce: true,
  parts: { needs: ['text'], oneOf: [], may: ['title', 'data', 'badge', 'image', 'actions', 'inbox'] },
  limits: {
    text: { max: 20_000, unit: 'characters', source: 'Tidings' },
    data: { max: 16_384, unit: 'bytes', source: 'Tidings' },
    image: { max: 2048, unit: 'characters', source: 'Tidings' },
    actions: { max: 5, unit: 'entries', source: 'Tidings' },
  },
};
