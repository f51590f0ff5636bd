import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import type { Verdict } from '../../model/plan.ts';
import { PLAN_CODES } from '../../model/plan-codes.ts';
import { json, timestamp } from './common.ts';

/** The verdict of the plan on one channel of a notification. */
export const verdict = z
  .object({
    channel: z.enum(CHANNELS),
    verdict: z.enum(['go', 'hold', 'fold', 'drop']),
    code: z.enum(PLAN_CODES).meta({ examples: ['preference_off'] }),
    level: z.string().meta({ description: 'Where it was decided', examples: ['user: category MARKETING / sms'] }),
    value: json.meta({ examples: ['off'] }),
    since: timestamp.nullable().describe('When the user said so; null: the catalog says so'),
    until: z.exactOptional(timestamp).describe('Of hold: until when; of fold: when the digest is due'),
  })
  .meta({ id: 'Verdict', description: 'The verdict of the plan on one channel' }) satisfies z.ZodType<Verdict>;
