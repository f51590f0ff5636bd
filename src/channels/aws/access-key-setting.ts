import { z } from 'zod';

/** Returns the schema of the id of an access key of AWS. It stands in a header. */
export function accessKeySetting(description: string) {
  return z
    .string()
    .regex(/^\w{16,128}$/, 'must be the id of an access key: 16 to 128 letters and digits, such as AKIA…')
    .describe(description);
}
