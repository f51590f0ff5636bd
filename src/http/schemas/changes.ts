import { z } from 'zod';
import { CHANGE_TOPICS, TOPIC_NAMES } from '../../model/change-topic.ts';

/* The stream that says in which topics something has changed. */

export const changesQuery = z.strictObject({
  topics: z
    .string()
    .max(400)
    .optional()
    .meta({
      description: `Topics with commas between; absent: all that the caller may read. They are ${TOPIC_NAMES.map((topic) => `\`${topic}\` (${CHANGE_TOPICS[topic]})`).join(', ')}`,
      examples: ['deliveries,jobs'],
    }),
});

export const changesHeaders = z.object({
  'last-event-id': z.string().max(1000).optional().describe('The id of the last event that was read'),
});

export const changeStream = z.string().meta({
  description:
    'Events `ready` (the topics of the stream), `changed` (those in which something has changed) and `end`, each with an id',
});
