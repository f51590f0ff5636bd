import type { ProviderCode } from '../codes.ts';

/** Meaning of a code that servers use for several reasons. */
const DEAD = 'the address does not exist';
const POLICY = 'a policy of the recipient’s server turned the message away';

/** Replies of mail servers to `RCPT TO`: enhanced status codes (RFC 3463), and reply codes (RFC 5321) without one. */
export const SMTP_CODES: readonly ProviderCode[] = [
  { code: '5.1.1', kind: 'address_dead', meaning: DEAD },
  { code: '5.1.2', kind: 'address_dead', meaning: DEAD },
  { code: '5.1.3', kind: 'address_dead', meaning: DEAD },
  { code: '5.1.6', kind: 'address_dead', meaning: DEAD },
  { code: '5.1.10', kind: 'address_dead', meaning: DEAD },
  { code: '5.2.1', kind: 'address_dead', meaning: DEAD },
  { code: '5.4.4', kind: 'address_dead', meaning: DEAD },
  { code: '5.1.8', kind: 'misconfigured', meaning: 'the server does not accept the sender' },
  {
    code: '5.2.2',
    kind: 'rejected',
    fault: 'recipient',
    meaning: 'the mailbox is full',
    advice: 'Retry later, once the user has made room. If it lasts, ask for another address.',
  },
  { code: '5.2.3', kind: 'rejected', fault: 'recipient', meaning: 'the message is too large for the mailbox' },
  { code: '5.3.4', kind: 'rejected', meaning: 'the message is too large for the server' },
  { code: '5.3.0', kind: 'retry', of: 'provider', meaning: 'the server cannot accept messages' },
  { code: '5.6.1', kind: 'rejected', meaning: 'the server does not accept the content' },
  { code: '5.7.1', kind: 'rejected', meaning: POLICY },
  { code: '5.7.8', kind: 'misconfigured', meaning: 'the server rejected the credentials' },
  {
    code: '5.7.26',
    kind: 'rejected',
    fault: 'account',
    meaning: 'the message is not authenticated: SPF and DKIM failed',
    advice: 'Publish SPF and DKIM records for the domain of the sender, and sign with DKIM. Then retry.',
  },
  { code: '4.1.1', kind: 'retry', of: 'recipient', meaning: 'the server cannot accept the address for now' },
  { code: '4.2.2', kind: 'retry', of: 'recipient', meaning: 'the mailbox is full' },
  { code: '4.3.2', kind: 'retry', of: 'provider', meaning: 'the server accepts no messages for now' },
  { code: '4.4.1', kind: 'retry', of: 'domain', meaning: 'the recipient’s server does not respond' },
  { code: '4.5.3', kind: 'retry', of: 'message', meaning: 'the message has too many recipients' },
  { code: '4.7.1', kind: 'retry', of: 'recipient', meaning: POLICY },
  { code: '421', kind: 'retry', of: 'provider', meaning: 'the server closes the connection' },
  { code: '503', kind: 'retry', of: 'provider', meaning: 'the server lost the order of the commands' },
  { code: '530', kind: 'misconfigured', meaning: 'the server wants credentials' },
  { code: '535', kind: 'misconfigured', meaning: 'the server rejected the credentials' },
  { code: '550', kind: 'rejected', meaning: 'the server rejected the message and does not say why' },
];
