import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { GuardedClient } from '../../http-out/guarded-client.ts';
import type { Millis } from '../../model/event.ts';
import { CallFailure } from '../call-failure.ts';
import { checkStatus, checkTarget } from '../call-service.ts';
import { findMember } from './find-member.ts';

/** Bytes of the answer, at most. */
const MAX_ANSWER_BYTES = 16 * 1024;
const MIN_DIGITS = 12;
const MAX_DIGITS = 19;
const [QUOTE, ZERO, NINE] = [0x22, 0x30, 0x39];

/**
 * Looks up a card number and hands it to `use` as its digits, one byte each. The number never becomes a text, which could not be
 * overwritten: the bytes that came, and those that `use` has, are zero when this returns. The connection is closed.
 * @param field the member of the answer, which is a JSON object, that is the number
 * @throws CallFailure, and what `use` throws
 */
export async function withCardNumber<T>(
  client: GuardedClient,
  call: {
    readonly url: string;
    readonly headers: { readonly [name: string]: string };
    readonly timeout: Millis;
    readonly signal: AbortSignal;
  },
  field: string,
  use: (digits: Buffer) => T,
): Promise<T> {
  checkTarget(client, call.url);
  const chunks: Buffer[] = [];
  let digits: Buffer | undefined;
  let whole: Buffer | undefined;
  try {
    await receive(client, call, chunks);
    whole = Buffer.concat(chunks);
    digits = findDigits(whole, field);
    if (!digits || !isLuhn(digits)) {
      throw new CallFailure('card_number_invalid', 'The look-up of the card gave no valid number.', true);
    }
    return use(digits);
  } finally {
    for (const bytes of [...chunks, whole, digits]) bytes?.fill(0);
  }
}

/** Adds the bytes of the answer to `chunks` as they come. */
function receive(
  client: GuardedClient,
  { url, headers, timeout, signal }: Parameters<typeof withCardNumber>[1],
  chunks: Buffer[],
): Promise<void> {
  const lookup = client.getLookup(url);
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    const fail = (error: unknown) => {
      const isLate = deadline.aborted;
      const code = isLate ? 'timed_out' : 'connection_failed';
      reject(error instanceof CallFailure ? error : new CallFailure(code, 'The look-up of the card gave no answer.'));
    };
    const onAnswer = (answer: IncomingMessage) => {
      answer.on('error', fail);
      try {
        checkStatus(answer.statusCode ?? 0);
      } catch (error) {
        answer.destroy();
        return fail(error);
      }
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= MAX_ANSWER_BYTES) return;
        answer.destroy();
        fail(new CallFailure('answer_too_long', 'The look-up of the card gave a longer answer than a number has.'));
      });
      answer.on('end', resolve);
    };
    const sent = request(url, {
      headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers },
      agent: false,
      signal: deadline,
      ...(lookup && { lookup }),
    });
    sent.on('error', fail).on('response', onAnswer).end();
  });
}

/** Returns a copy of the digits of a member; undefined: it has no digits, or another number of them. */
function findDigits(answer: Buffer, field: string): Buffer | undefined {
  const found = findMember(answer, field);
  if (!found) return undefined;
  const [start, end] = answer[found.start] === QUOTE ? [found.start + 1, found.end - 1] : [found.start, found.end];
  const digits = answer.subarray(start, end);
  const isNumber = digits.length >= MIN_DIGITS && digits.length <= MAX_DIGITS && digits.every(isDigit);
  return isNumber ? Buffer.from(digits) : undefined;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** Whether the check digit of a card number is right (ISO/IEC 7812-1). */
function isLuhn(digits: Buffer): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = (digits[digits.length - 1 - place] as number) - ZERO;
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
