import { z } from 'zod';
import { RECEIPT_KINDS } from '../../model/receipt.ts';
import { headerName, path } from './field-schemas.ts';

/** Schema of the proof of a request with receipts, and of the places of its fields. */
export const receiptMapping = z
  .strictObject({
    verify: z.enum(['hmac', 'basic', 'token']),
    /** With the signature or the token. */
    header: headerName().default('authorization'),
    algorithm: z.enum(['sha1', 'sha256', 'sha512']).default('sha256'),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    /** Text before the signature or token, such as `sha256=`. */
    prefix: z.string().max(40).default(''),
    /** Signed text: `{{body}}`, `{{timestamp}}` of its header, and text. */
    signed: z
      .string()
      .max(200)
      .regex(/^(?:(?!\{\{body\}\}).)*\{\{body\}\}(?:(?!\{\{body\}\}).)*$/s, { error: 'must have {{body}} once' })
      .default('{{body}}'),
    timestamp_header: headerName().optional(),
    /** The list of reports; absent: the body is one, or a list. */
    events: path().optional(),
    id: path().optional(),
    reference: path().optional(),
    message_id: path().optional(),
    kind: path(),
    kinds: z.record(z.string().max(100), z.enum(RECEIPT_KINDS)).refine((kinds) => Object.keys(kinds).length <= 100),
    /** The first of several that is there. */
    at: z.union([path(), z.array(path()).min(1).max(10)]).optional(),
    at_unit: z.enum(['iso', 'seconds', 'milliseconds']).default('iso'),
    code: path().optional(),
    enhanced_code: path().optional(),
    /** Which values say that a bounce or failure is permanent. */
    permanent: z
      .strictObject({ path: path(), values: z.array(z.union([z.string().max(100), z.boolean()])).max(100) })
      .optional(),
  })
  .refine(({ reference, message_id }) => reference !== undefined || message_id !== undefined, {
    error: 'must have reference or message_id, to find the delivery',
  });

export type ReceiptMapping = z.output<typeof receiptMapping>;
