import type { ProviderCode } from '../codes.ts';

const CREDENTIALS = 'AWS does not accept the credentials';
const THROTTLED = 'AWS limits the rate of the account';

/** Errors of `Publish` by name, and those of AWS before it. The status says little: throttling is 400. */
export const SNS_CODES: readonly ProviderCode[] = [
  { code: 'OptedOut', kind: 'address_dead', as: 'opted_out', meaning: 'the owner of the number has replied STOP' },
  {
    code: 'OptedOutException',
    kind: 'address_dead',
    as: 'opted_out',
    meaning: 'the owner of the number has replied STOP',
  },
  { code: 'InvalidPhoneNumber', kind: 'address_dead', as: 'invalid', meaning: 'the number is not a valid one' },
  { code: 'InvalidParameter', kind: 'rejected', meaning: 'the message or the number is not valid' },
  { code: 'InvalidParameterValue', kind: 'rejected', meaning: 'the message or the number is not valid' },
  { code: 'ParameterValueInvalid', kind: 'rejected', meaning: 'an attribute of the message is not valid' },
  { code: 'ValidationError', kind: 'rejected', meaning: 'the message or the number is not valid' },
  { code: 'ValidationException', kind: 'rejected', meaning: 'the message or the number is not valid' },
  { code: 'UserError', kind: 'rejected', meaning: 'the request is not valid' },
  { code: 'Throttling', kind: 'retry', of: 'account', meaning: THROTTLED },
  { code: 'ThrottlingException', kind: 'retry', of: 'account', meaning: THROTTLED },
  { code: 'Throttled', kind: 'retry', of: 'account', meaning: THROTTLED },
  { code: 'ThrottledException', kind: 'retry', of: 'account', meaning: THROTTLED },
  { code: 'TooManyRequestsException', kind: 'retry', of: 'account', meaning: THROTTLED },
  { code: 'RequestLimitExceeded', kind: 'retry', of: 'account', meaning: THROTTLED },
  { code: 'AuthorizationError', kind: 'misconfigured', meaning: 'the user may not do sns:Publish' },
  { code: 'AuthorizationErrorException', kind: 'misconfigured', meaning: 'the user may not do sns:Publish' },
  { code: 'AccessDenied', kind: 'misconfigured', meaning: 'the user may not do sns:Publish' },
  { code: 'AccessDeniedException', kind: 'misconfigured', meaning: 'the user may not do sns:Publish' },
  { code: 'InvalidClientTokenId', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'UnrecognizedClientException', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'SignatureDoesNotMatch', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'IncompleteSignature', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'MissingAuthenticationToken', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'InvalidSecurity', kind: 'misconfigured', meaning: CREDENTIALS },
  { code: 'ExpiredToken', kind: 'misconfigured', meaning: 'the session token has expired' },
  { code: 'OptInRequired', kind: 'misconfigured', meaning: 'the account has no subscription of the service' },
  {
    code: 'RequestExpired',
    kind: 'misconfigured',
    meaning: 'the request counts as expired: check the clock of this machine',
  },
  { code: 'InvalidAction', kind: 'misconfigured', meaning: 'the service does not know the action: check base_url' },
  { code: 'NotFound', kind: 'misconfigured', meaning: 'the service does not know the resource: check base_url' },
  // Its servers. It knows no idempotency key, and may have accepted the message.
  { code: 'InternalError', kind: 'in_doubt', meaning: 'an error inside SNS, which may have accepted the message' },
  { code: 'InternalFailure', kind: 'in_doubt', meaning: 'an error inside SNS, which may have accepted the message' },
  {
    code: 'InternalErrorException',
    kind: 'in_doubt',
    meaning: 'an error inside SNS, which may have accepted the message',
  },
  { code: 'ServiceUnavailable', kind: 'in_doubt', meaning: 'the service is not available, and may have accepted it' },
];
