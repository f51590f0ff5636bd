import type { Declared } from '../expressions/condition.ts';
import { CATEGORIES } from '../model/catalog.ts';
import { PRIORITIES } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';

const TEXT: JsonObject = { type: 'string' };

/** Names that the condition of a route can use. */
export const ROUTE_SCOPE: Declared = {
  roots: ['message'],
  message: {
    type: 'object',
    properties: {
      type: TEXT,
      category: { enum: [...CATEGORIES] },
      priority: { enum: [...PRIORITIES] },
      calling_code: TEXT,
      domain: TEXT,
      tenant: {
        type: 'object',
        properties: { id: TEXT, name: TEXT, locale: TEXT, zone: TEXT, branding: { type: 'object' } },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  },
};
