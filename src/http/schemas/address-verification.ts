import { z } from 'zod';
import type { SentCode } from '../../notify/verify-address.ts';
import { idOf, timestamp } from './common.ts';

/* Verification of addresses. */

export const verifyBody = z
  .strictObject({
    type: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({
        description:
          'A notification type with the channel of the address; it gets the variables `code` and `minutes`. Absent: ADDRESS_VERIFICATION, which is built in',
        examples: ['VERIFY_ADDRESS'],
      }),
  })
  .meta({ id: 'VerifyBody' });

export const sentCode = z
  .object({
    address_id: idOf('address'),
    expires_at: timestamp.describe('The code is of no use afterwards'),
    notification_id: idOf('notification').nullable().describe('Null: the plan has dropped it'),
  })
  .meta({ id: 'SentCode', description: 'A code that was sent to an address' }) satisfies z.ZodType<SentCode>;

export const codeBody = z
  .strictObject({
    code: z
      .string()
      .trim()
      .min(1)
      .max(32)
      .meta({ description: 'Six digits', examples: ['042917'] }),
  })
  .meta({ id: 'CodeBody' });
