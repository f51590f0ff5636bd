import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { StandInReply } from './http-stand-in.ts';

/** The reply of SendGrid to a message that it accepts. */
export const SENDGRID_ACCEPTS: StandInReply = { status: 202, headers: { 'x-message-id': '14c5d75ce93.dfd.64b469' } };

const BY_FIELD: { readonly [code: string]: readonly [number, string | null, string] } = {
  to: [400, 'personalizations.0.to.0.email', 'Does not contain a valid address.'],
  from: [403, 'from', 'The from address does not match a verified Sender Identity.'],
  template_id: [400, 'template_id', 'The template_id must be a valid GUID.'],
  credits_exceeded: [401, null, 'Maximum credits exceeded'],
};

/** Returns the reply of SendGrid that has a code of the table. */
export function answerSendGrid({ code }: ProviderCode): StandInReply {
  const [status, field, message] = BY_FIELD[code] ?? [Number(code), null, 'no'];
  return { status, body: { errors: [{ message, field, help: null }] } };
}
