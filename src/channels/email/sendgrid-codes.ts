import type { ProviderCode } from '../codes.ts';

/**
 * Errors of `POST /v3/mail/send`: the field that SendGrid names, else the status. The statuses of a server leave open whether
 * the message was accepted, but 503, by which SendGrid says that its API takes nothing.
 */
export const SENDGRID_CODES: readonly ProviderCode[] = [
  { code: 'to', kind: 'address_dead', as: 'invalid', meaning: 'the address of the recipient is not valid' },
  {
    code: 'from',
    kind: 'misconfigured',
    isOfSender: true,
    meaning: 'the sender is not verified at SendGrid',
    advice: 'Verify the sender or its domain at SendGrid, or send from one that is verified. Then retry.',
  },
  { code: 'template_id', kind: 'misconfigured', meaning: 'there is no such template at SendGrid' },
  { code: 'credits_exceeded', kind: 'retry', of: 'account', meaning: 'the account has used up its messages' },
  { code: '400', kind: 'rejected', meaning: 'the message is not valid' },
  { code: '401', kind: 'misconfigured', meaning: 'the API key is wrong, or was revoked' },
  { code: '403', kind: 'misconfigured', meaning: 'the API key or the sender has no permission to send' },
  { code: '404', kind: 'misconfigured', meaning: 'the base URL does not lead to the API of SendGrid' },
  { code: '405', kind: 'misconfigured', meaning: 'the base URL does not lead to the API of SendGrid' },
  { code: '406', kind: 'misconfigured', meaning: 'the base URL does not lead to the API of SendGrid' },
  { code: '413', kind: 'rejected', meaning: 'the message is larger than 30 MB' },
  { code: '415', kind: 'rejected', meaning: 'the message has a form that SendGrid does not read' },
  { code: '429', kind: 'retry', of: 'account', meaning: 'SendGrid limits the rate of the account' },
  { code: '500', kind: 'in_doubt', meaning: 'SendGrid failed, and may have the message' },
  { code: '502', kind: 'in_doubt', meaning: 'SendGrid failed, and may have the message' },
  { code: '503', kind: 'retry', of: 'provider', meaning: 'the API of SendGrid is not available' },
  { code: '504', kind: 'in_doubt', meaning: 'SendGrid did not answer in time, and may have the message' },
];
