import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { SeenRequest, StandInReply } from './http-stand-in.ts';

/** The reply of SES to a message that it accepts. */
export const SES_ACCEPTS: StandInReply = { body: { MessageId: '0102018f-7d5a-4a1b-000000' } };

const STATUSES: { readonly [name: string]: number } = {
  TooManyRequestsException: 429,
  AccessDeniedException: 403,
  UnrecognizedClientException: 403,
  NotFoundException: 404,
  ServiceUnavailable: 503,
  ServiceUnavailableException: 503,
  InternalFailure: 500,
  InternalServiceErrorException: 500,
};

/** Returns the reply of SES that has a code of the table. */
export function answerSes({ code }: ProviderCode): StandInReply {
  if (code === '413') return { status: 413 };
  if (code === 'EmailNotVerified')
    return toError('MessageRejected', 'Email address is not verified. In region EU-WEST-1');
  if (code === 'IllegalAddress') return toError('BadRequestException', 'Illegal address');
  return toError(code, 'no');
}

function toError(name: string, message: string): StandInReply {
  return {
    status: STATUSES[name] ?? 400,
    headers: { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/` },
    body: { message },
  };
}

/** Whether a request is one to send. */
export function isSesSend({ path }: SeenRequest): boolean {
  return path === '/v2/email/outbound-emails';
}
