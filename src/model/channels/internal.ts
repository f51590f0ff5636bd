import type { ChannelDescriptor } from './descriptor.ts';

/** Alerts for the people who run Tidings; never to the user. */
export const internal: ChannelDescriptor = {
  name: 'internal',
  label: 'internal',
  phrase: 'as an internal alert',
  parts: { needs: ['text'], oneOf: [], may: [] },
  limits: {},
  isTemplateOptional: true,
};
