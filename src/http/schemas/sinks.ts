import { z } from 'zod';
import { PARKED_CODES, SINK_DECISIONS, SINK_FORMATS, SINK_KEYS, TOPIC_PROBLEMS } from '../../model/sink.ts';
import { MAX_REMAINING } from '../../store/kafka/outbox.ts';
import { listOf, pathText, timestamp, timeText } from './common.ts';

/* Sinks: Kafka topics that facts and decisions are written to, which the catalog names, and topics for dead letters of sources. */

const name = pathText.max(249).meta({ examples: ['outcomes'] });

export const sinkParams = z.object({ name });

const problem = z
  .object({
    code: z.enum(TOPIC_PROBLEMS),
    since: timestamp.nullable(),
  })
  .meta({ id: 'SinkProblem' });

const sink = z
  .object({
    name: z
      .string()
      .describe(
        'That of the catalog; of a topic for dead letters, and of a former one, that of the topic (`former:TOPIC` if a sink has it)',
      )
      .meta({ examples: ['outcomes'] }),
    description: z.string().nullable(),
    kind: z
      .enum(['sink', 'dead_letters', 'former'])
      .describe('`former`: the active catalog no longer writes it; what waits is still sent'),
    topic: z.string(),
    event_types: listOf(z.string()),
    decisions: z.enum(SINK_DECISIONS),
    format: z.enum(SINK_FORMATS).nullable().describe('Null: messages are as they were'),
    key: z.enum(SINK_KEYS).nullable(),
    state: z
      .enum(['open', 'opening', 'failing', 'paused', 'full', 'not_allowed', 'not_configured'])
      .describe(
        '`opening`: messages are recorded from the moment that a worker has seen it; `full`: nothing more is recorded until there is room',
      ),
    cause: z.string().nullable().describe('Why it is not written; null: it is, or it is paused'),
    problem: problem.nullable().describe('Why its messages wait; null: nothing is wrong'),
    paused_at: timestamp.nullable(),
    full_since: timestamp.nullable(),
    waiting: z.int().describe('Messages that wait, when it was last measured'),
    waiting_bytes: z.int(),
    oldest_at: timestamp.nullable().describe('When the first of them was recorded'),
    parked: z.int().describe('Messages that were set aside'),
    published: z.int().describe('Messages that the brokers have acknowledged'),
    measured_at: timestamp.nullable().describe('Null: not yet'),
  })
  .meta({ id: 'Sink', description: 'A Kafka topic that Tidings writes' });

export const sinkPage = z.object({ catalog_version: z.int(), sinks: listOf(sink) }).meta({
  id: 'SinkPage',
  description: 'The topics that the active catalog writes, in the order of its files, and former ones',
});

export const sinkState = z
  .object({ name: z.string(), paused: z.boolean(), changed: z.boolean().describe('Whether it was otherwise before') })
  .meta({ id: 'SinkState' });

const parked = z
  .object({
    message_id: z.string(),
    event_id: z.string().describe('`id` of the CloudEvent'),
    type: z.string(),
    user_id: z.string().nullable(),
    bytes: z.int(),
    code: z.enum(PARKED_CODES),
    parked_at: timestamp,
    recorded_at: timestamp,
  })
  .meta({ id: 'ParkedMessage' });

export const parkedPage = z
  .object({ name: z.string(), messages: listOf(parked).describe('The first 1000, the earliest first') })
  .meta({ id: 'ParkedPage', description: 'Messages that were set aside: their topic goes on without them' });

export const parkedChoice = z
  .strictObject({
    parked_until: timeText()
      .optional()
      .describe(
        'Only those that were set aside until then. Absent: all. Send that of the last answer if there are more',
      ),
  })
  .meta({ id: 'ParkedChoice', examples: [{}] });

export const parkedResult = z
  .object({
    name: z.string(),
    messages: z.int().describe('How many; 1000 at most'),
    has_more: z.boolean().describe('Whether more are left: ask again, with `parked_until`'),
    remaining: z.int().describe(`How many are left, counted up to ${MAX_REMAINING}`),
    parked_until: timestamp
      .nullable()
      .describe('What is set aside later is left as it is by a repetition with this time; null: nothing was set aside'),
  })
  .meta({ id: 'ParkedResult' });
