import type { Declared } from '../expressions/condition.ts';

/** Names that the expressions of a source can use: the message that is to become an event. */
export const SOURCE_SCOPE: Declared = {
  message: {
    type: 'object',
    properties: {
      topic: { type: 'string' },
      partition: { type: 'number' },
      offset: { type: 'number' },
      timestamp: { type: 'string' },
      key: {},
      headers: {},
      value: {},
    },
    additionalProperties: false,
  },
  roots: ['message'],
};
