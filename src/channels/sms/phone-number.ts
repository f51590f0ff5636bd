import parsePhoneNumber from 'libphonenumber-js/mobile';

export interface PhoneNumber {
  /** E.164: `+` and digits. */
  readonly number: string;
  /** Calling code without `+`, such as `351`. Prices and senders go by it: `44` has Guernsey in it, too. */
  readonly callingCode: string;
  /** ISO 3166, if the number tells. */
  readonly country?: string;
}

/** Characters of the longest number, with separators. */
const MAX_CHARS = 32;

/**
 * Returns a number that a message can be sent to; undefined: it is not in E.164 form (`+351912345678`), or not as long as the
 * mobile numbers of its country. Whether it is in use only the provider knows.
 */
export function readPhoneNumber(text: string): PhoneNumber | undefined {
  if (text.length > MAX_CHARS || !/^\+[1-9]\d{6,14}$/.test(text)) return undefined;
  const phone = parsePhoneNumber(text);
  if (!phone?.isPossible()) return undefined;
  const { number, countryCallingCode, country } = phone;
  return { number, callingCode: countryCallingCode, ...(country === undefined ? {} : { country }) };
}
