import { describe, expect, it } from 'vitest';
import { parseDuration } from '../src/time/duration.ts';

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1w2d3h4m5s', 788_645_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(` ${text} `)).toEqual({ ms, text });
  });

  it.each(['', '0s', '5', '-1h', '1h1h', '30m1h', '1.5h', '1 h', '1H', '9999999d', 'h', '1e3s', '9'.repeat(400)])(
    'rejects %j',
    (text) => {
      expect(parseDuration(text)).toHaveProperty('hint');
    },
  );
});
