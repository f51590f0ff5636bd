import type { ChannelDescriptor } from './descriptor.ts';

/** Without a text, a message is silent: data for the app. */
export const push: ChannelDescriptor = {
  name: 'push',
  label: 'push',
  phrase: 'by push',
  targets: 'devices',
  hasHostedTemplates: true,
  parts: { needs: [], oneOf: ['text', 'data'], may: ['title', 'badge', 'image', 'actions'] },
  limits: {
    // FCM and APNs take payloads of 4 KiB, which their providers check: their form of a message decides.
    data: { max: 4096, unit: 'bytes', source: 'FCM and APNs' },
    image: { max: 2048, unit: 'characters', source: 'Tidings' },
    actions: { max: 3, unit: 'entries', source: 'Android' },
  },
};
