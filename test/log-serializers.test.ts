import { describe, expect, test } from 'vitest';
import { serializeError } from '../src/privacy/log-serializers.ts';
import { maskEmail } from '../src/privacy/mask.ts';

const LOCAL = 'zanzibar.quagmire';
const EMAIL = `${LOCAL}@example.com`;

describe('a logged error', () => {
  test('has the type, the place and the cause, and no text that quotes its input', () => {
    const cause = Object.assign(new RangeError('duplicate'), { code: '23505', table: 'addresses', constraint: 'once' });
    const error = new TypeError(`not for ${EMAIL}`, { cause });
    expect(serializeError(error)).toEqual({
      type: 'TypeError',
      message: `not for ${maskEmail(EMAIL)}`,
      stack: expect.stringMatching(/^ {4}at .*log-serializers\.test\.ts/),
      cause: {
        type: 'RangeError',
        message: 'duplicate',
        code: '23505',
        table: 'addresses',
        constraint: 'once',
        stack: expect.stringMatching(/^ {4}at /),
      },
    });
    const message = 'message omitted: it quotes its input';
    for (const quoting of [new SyntaxError(LOCAL), Object.assign(new Error(LOCAL), { code: '22P02' })]) {
      expect(serializeError(quoting)).toMatchObject({ message });
    }
    expect(serializeError(EMAIL)).toEqual({ type: 'string', message: 'not an error' });
  });
});
