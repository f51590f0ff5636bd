import { createHmac } from 'node:crypto';
import type { ProviderCode } from '../../../src/channels/codes.ts';
import type { StandInReply } from './http-stand-in.ts';

export const TWILIO_TOKEN = 'f4ad8c1e0b7d4f24a1d3c9a7b5e6f012';
export const TWILIO_SID = 'SM0123456789abcdef0123456789abcdef';
export const PHONE = { kind: 'phone', number: '+351912345678' } as const;

export function twilioSettings(url: string): { readonly [name: string]: string } {
  return { account_sid: `AC${'0'.repeat(32)}`, auth_token: TWILIO_TOKEN, from: '+12025550123', base_url: url };
}

export const TWILIO_ACCEPTS: StandInReply = {
  status: 201,
  body: { sid: TWILIO_SID, status: 'queued', num_segments: '1', price: null, price_unit: 'USD', error_code: null },
};

const STATUSES: { readonly [code: string]: number } = {
  '20003': 401,
  '20005': 403,
  '20404': 404,
  '20429': 429,
  '20500': 500,
  '20503': 503,
};

/** Returns the reply of Twilio that has a code of the table. Its text quotes the number, as Twilio does. */
export function answerTwilio({ code }: Pick<ProviderCode, 'code'>): StandInReply {
  const status = STATUSES[code] ?? 400;
  return { status, body: { code: Number(code), message: `The 'To' number ${PHONE.number} …`, more_info: 'x', status } };
}

/** Signs a callback as Twilio documents it: HMAC-SHA1 of the URL and of the sorted parameters. */
export function signTwilio(url: string, parameters: { readonly [name: string]: string }): string {
  const text = Object.keys(parameters)
    .toSorted()
    .map((name) => `${name}${parameters[name]}`)
    .join('');
  return createHmac('sha1', TWILIO_TOKEN).update(`${url}${text}`).digest('base64');
}
