import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import { type Mailbox, parseMailbox } from '../../lib/text/mailbox.ts';

/**
 * Returns the schema of the sender of an account, `Name <address>` or an address.
 * @param description a sentence
 */
export function senderSetting(description: string) {
  return z
    .string()
    .max(400)
    .refine((text) => parseMailbox(text) !== undefined, {
      error: 'must be one sender, like Bank <bank@example.com>',
    })
    .describe(description);
}

/**
 * Returns the sender of a message: that of the tenant, if it is one, else that of the account.
 * @throws ConfigError if that of the account cannot be parsed
 */
export function chooseSender(own: string, chosen: string | undefined): Mailbox {
  const sender = (chosen === undefined ? undefined : parseMailbox(chosen)) ?? parseMailbox(own);
  if (sender) return sender;
  throw new ConfigError('the sender must be one address, like "Bank <bank@example.com>"');
}
