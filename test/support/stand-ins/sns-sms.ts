import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { SeenRequest, StandInReply } from './http-stand-in.ts';

export function snsSettings(url: string): { readonly [name: string]: string } {
  return {
    region: 'eu-west-1',
    access_key_id: 'AKIAIOSFODNN7EXAMPLE',
    secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    base_url: url,
  };
}

export const SNS_ACCEPTS: StandInReply = {
  headers: { 'content-type': 'text/xml' },
  body: '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult></PublishResponse>',
};

export const SNS_LETS_IN: StandInReply = { body: '<GetSMSAttributesResponse></GetSMSAttributesResponse>' };

export function isSnsSend({ body }: SeenRequest): boolean {
  return body.includes('Action=Publish');
}

/** Returns the reply of SNS that has a code of the table. Throttling is 400, as SNS has it. */
export function answerSns({ code }: Pick<ProviderCode, 'code'>): StandInReply {
  const isNumber = code === 'InvalidPhoneNumber';
  const status = /^(Internal|ServiceUnavailable)/.test(code)
    ? 500
    : /Denied|Authorization|Client/.test(code)
      ? 403
      : 400;
  const message = isNumber ? 'Invalid parameter: PhoneNumber Reason: +351912345678 is not valid to publish to' : 'no';
  const name = isNumber ? 'InvalidParameter' : code;
  return {
    status,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  };
}
