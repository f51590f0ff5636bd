import type { ChannelDescriptor } from './descriptor.ts';

export const webhook: ChannelDescriptor = {
  name: 'webhook',
  label: 'webhook',
  phrase: 'by webhook',
  parts: { needs: [], oneOf: ['text', 'data'], may: [] },
  limits: {},
  whole: { max: 262_144, unit: 'bytes', source: 'Tidings' },
  isTemplateOptional: true,
};
