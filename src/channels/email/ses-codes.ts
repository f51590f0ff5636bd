import type { ProviderCode } from '../codes.ts';

const CREDENTIALS = 'AWS does not accept the credentials';

/**
 * Errors of `SendEmail` by name, and those of AWS before it. `EmailNotVerified` and `IllegalAddress` are ours: SES says so in the
 * text of `MessageRejected` and `BadRequestException` alone.
 */
export const SES_CODES: readonly ProviderCode[] = [
  {
    code: 'EmailNotVerified',
    kind: 'misconfigured',
    isOfSender: true,
    meaning: 'the sender is not verified at SES, or the account is in the sandbox',
    advice: 'Verify the sender or its domain in SES, and ask AWS to move the account out of the sandbox. Then retry.',
  },
  { code: 'IllegalAddress', kind: 'address_dead', as: 'invalid', meaning: 'the address of the recipient is not valid' },
  { code: 'MessageRejected', kind: 'rejected', meaning: 'SES rejected the content of the message' },
  { code: 'BadRequestException', kind: 'rejected', meaning: 'the message is not valid' },
  { code: 'ValidationException', kind: 'rejected', meaning: 'the message is not valid' },
  { code: 'TooManyRequestsException', kind: 'retry', of: 'account', meaning: 'SES limits the rate of the account' },
  {
    code: 'LimitExceededException',
    kind: 'retry',
    of: 'account',
    meaning: 'the account has used up its quota',
    advice:
      'Wait until the quota of 24 hours is free again, or ask AWS for a higher one. Then retry, with `--per-second`.',
  },
  { code: 'ThrottlingException', kind: 'retry', of: 'account', meaning: 'AWS limits the rate of the account' },
  { code: 'Throttling', kind: 'retry', of: 'account', meaning: 'AWS limits the rate of the account' },
  { code: 'RequestLimitExceeded', kind: 'retry', of: 'account', meaning: 'AWS limits the rate of the account' },
  {
    code: 'SendingPausedException',
    kind: 'misconfigured',
    meaning: 'sending is paused for the account or the configuration set',
    advice: 'Find out in the SES console why sending is paused (usually bounces or complaints), resume it, then retry.',
  },
  {
    code: 'AccountSuspendedException',
    kind: 'misconfigured',
    meaning: 'AWS has suspended the account for sending email',
  },
  {
    code: 'MailFromDomainNotVerifiedException',
    kind: 'misconfigured',
    meaning: 'the MAIL FROM domain is not verified at SES',
  },
  {
    code: 'NotFoundException',
    kind: 'misconfigured',
    meaning: 'SES has no such configuration set, template or identity',
  },
  { code: 'AccessDeniedException', kind: 'misconfigured', meaning: 'the credentials may not send email' },
  { code: 'UnrecognizedClientException', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'InvalidClientTokenId', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'InvalidSignatureException', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'SignatureDoesNotMatch', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'IncompleteSignature', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'MissingAuthenticationTokenException', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'ExpiredTokenException', kind: 'misconfigured', meaning: 'the temporary credentials have expired' },
  {
    code: 'RequestExpired',
    kind: 'misconfigured',
    meaning: 'the clock of this machine differs too much from that of AWS',
  },
  { code: 'OptInRequired', kind: 'misconfigured', meaning: 'the AWS account has not signed up for SES' },
  { code: 'ServiceUnavailable', kind: 'retry', of: 'provider', meaning: 'SES is not available' },
  { code: 'ServiceUnavailableException', kind: 'retry', of: 'provider', meaning: 'SES is not available' },
  { code: 'InternalFailure', kind: 'in_doubt', meaning: 'SES failed, and may have the message' },
  { code: 'InternalServiceErrorException', kind: 'in_doubt', meaning: 'SES failed, and may have the message' },
  { code: '413', kind: 'rejected', meaning: 'the message is larger than SES accepts' },
];
