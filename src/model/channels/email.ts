import type { ChannelDescriptor } from './descriptor.ts';

export const email: ChannelDescriptor = {
  name: 'email',
  label: 'email',
  phrase: 'by email',
  addressKind: 'email',
  canBounceLater: true,
  hasUnsubscribeHeader: true,
  hasHostedTemplates: true,
  parts: { needs: ['subject'], oneOf: ['html', 'text'], may: ['preheader', 'attachments'] },
  limits: { attachments: { max: 20, unit: 'entries', source: 'Tidings' } },
};
