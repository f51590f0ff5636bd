import type { ProviderCode } from '../codes.ts';

/** Meaning of the statuses that the rules of an account say nothing of. */
export const HTTP_CODES: readonly ProviderCode[] = [
  { code: '400', kind: 'rejected', meaning: 'the provider says that the request is not valid' },
  { code: '401', kind: 'misconfigured', meaning: 'the provider does not accept the credentials' },
  { code: '403', kind: 'misconfigured', meaning: 'the credentials may not do this' },
  { code: '404', kind: 'misconfigured', meaning: 'the URL leads to nothing' },
  { code: '405', kind: 'misconfigured', meaning: 'the URL does not accept the method' },
  { code: '408', kind: 'in_doubt', meaning: 'the provider did not read the request in time, and may have the message' },
  { code: '413', kind: 'rejected', meaning: 'the message is larger than the provider accepts' },
  { code: '422', kind: 'rejected', meaning: 'the provider cannot process the message' },
  { code: '429', kind: 'retry', of: 'account', meaning: 'the provider limits the rate of the account' },
  { code: '500', kind: 'in_doubt', meaning: 'the provider failed, and may have the message' },
  { code: '502', kind: 'in_doubt', meaning: 'the provider failed, and may have the message' },
  { code: '503', kind: 'retry', of: 'provider', meaning: 'the provider is not available' },
  { code: '504', kind: 'in_doubt', meaning: 'the provider did not answer in time, and may have the message' },
];
