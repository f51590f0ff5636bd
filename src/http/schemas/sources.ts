import { z } from 'zod';
import { SOURCE_FORMATS } from '../../model/source.ts';
import { listOf, pathText, timestamp } from './common.ts';

/* Sources: Kafka topics whose messages are events, which the catalog names. */

const name = pathText.max(128).meta({ examples: ['product_status'] });

export const sourceParams = z.object({ name });

const partition = z
  .object({
    partition: z.int(),
    next_offset: z.int().describe('The first message that is not decided'),
    end_offset: z.int().nullable().describe('End of the partition when it was last seen; null: not yet'),
    lag: z.int().nullable().describe('Messages that wait, when the end was last seen'),
    seen_at: timestamp.nullable(),
  })
  .meta({ id: 'SourcePartition' });

export const source = z
  .object({
    name: z.string().meta({ examples: ['product_status'] }),
    description: z.string().nullable(),
    topic: z.string(),
    format: z.enum(SOURCE_FORMATS),
    state: z
      .enum(['reading', 'paused', 'not_allowed', 'not_configured'])
      .describe('`reading`: by the workers, as far as they reach Kafka (`kafka` in `/healthz/ready`)'),
    cause: z.string().nullable().describe('Why it is not read; null: it is, or it is paused'),
    paused_at: timestamp.nullable(),
    lag: z.int().nullable().describe('Messages that wait in all of its partitions; null: not known yet'),
    partitions: listOf(partition),
  })
  .meta({ id: 'Source', description: 'A Kafka topic whose messages are events' });

export const sourcePage = z
  .object({ catalog_version: z.int(), sources: listOf(source) })
  .meta({ id: 'SourcePage', description: 'The sources of the active catalog, in the order of its file' });

export const sourceState = z
  .object({ name: z.string(), paused: z.boolean(), changed: z.boolean().describe('Whether it was otherwise before') })
  .meta({ id: 'SourceState' });
