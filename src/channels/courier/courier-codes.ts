import type { ProviderCode } from '../codes.ts';

/** Statuses of `POST /send`. */
export const COURIER_CODES: readonly ProviderCode[] = [
  { code: '400', kind: 'rejected', meaning: 'the message is not valid, or Courier has no such template' },
  { code: '401', kind: 'misconfigured', meaning: 'the authorization token is wrong, or was revoked' },
  { code: '402', kind: 'misconfigured', meaning: 'the plan of the account includes no more messages' },
  { code: '403', kind: 'misconfigured', meaning: 'the authorization token may not send' },
  { code: '404', kind: 'misconfigured', meaning: 'the base URL does not lead to the API of Courier' },
  { code: '409', kind: 'in_doubt', meaning: 'Courier is still busy with the attempt before' },
  { code: '413', kind: 'rejected', meaning: 'the message is larger than Courier accepts' },
  { code: '422', kind: 'rejected', meaning: 'Courier cannot process the message' },
  { code: '429', kind: 'retry', of: 'account', meaning: 'Courier limits the rate of the account' },
  { code: '500', kind: 'in_doubt', meaning: 'Courier failed, and may have the message' },
  { code: '502', kind: 'in_doubt', meaning: 'Courier failed, and may have the message' },
  { code: '503', kind: 'retry', of: 'provider', meaning: 'Courier is not available' },
  { code: '504', kind: 'in_doubt', meaning: 'Courier did not answer in time, and may have the message' },
];
