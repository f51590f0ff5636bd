import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAt } from '../src/catalog/parse/rules/at-expression.ts';
import { parseRecurrence } from '../src/catalog/parse/rules/recurrence-expression.ts';

test.each([
  ['monday 09:00', '0 9 * * 1', 'monday 09:00'],
  ['sunday 00:05', '5 0 * * 0', 'sunday 00:05'],
  ['  Day   18:00 ', '0 18 * * *', 'day 18:00'],
  ['weekday 08:30', '30 8 * * 1-5', 'weekday 08:30'],
  ['month on 1 at 09:00', '0 9 1 * *', 'month on 1 at 09:00'],
  ['month on last at 23:59', '59 23 L * *', 'month on last at 23:59'],
  ['hour', '0 * * * *', 'hour'],
  ['cron 0 9 * * 1', '0 9 * * 1', 'cron 0 9 * * 1'],
  ['cron */15 8-18 * JAN mon-fri', '*/15 8-18 * JAN mon-fri', 'cron */15 8-18 * JAN mon-fri'],
])('reads %s', (written, cron, text) => {
  expect(parseRecurrence(written)).toEqual({ recurrence: { text, cron } });
});

const fields = 'use five fields: minute, hour, day of month, month, day of week, as in cron 0 9 * * 1';
test.each([
  ['', 'use one of: monday 09:00, day 18:00, weekday 08:30, month on 1 at 09:00, hour, cron 0 9 * * 1'],
  ['mondays 9:00', 'write monday 09:00'],
  ['every friday at 5pm', 'write friday 17:00'],
  ['weekly on tue 09:00', 'did you mean tuesday 09:00?'],
  ['weekly on friday 09:00', 'write friday 09:00'],
  ['daily 18:00', 'write day 18:00'],
  ['9am', 'write day 09:00'],
  ['weekdays 08:30', 'write weekday 08:30'],
  ['mondy 09:00', 'did you mean monday 09:00?'],
  ['monday', 'the time is missing: monday 09:00'],
  ['weekly', 'the time is missing: monday 09:00'],
  ['month on 1', 'the time is missing: month on 1 at 09:00'],
  ['monthly on the 1st at 9:00', 'write month on 1 at 09:00'],
  ['month on the last day at 09:00', 'write month on last at 09:00'],
  ['month on 32 at 09:00', 'use a day from 1 to 31, or last'],
  ['day 25:00', 'use a time of day from 00:00 to 23:59'],
  ['every hour', 'write hour'],
  ['every 15 minutes', 'write cron */15 * * * *'],
  ['0 9 * * 1', 'write cron 0 9 * * 1'],
  ['cron 0 9', fields],
  ['cron @daily', fields],
  ['cron 0 0 9 * * 1', `there are no seconds: ${fields}`],
  ['cron 60 9 * * *', 'minutes are 0 to 59'],
  ['cron 0 9 1-40 * *', 'days of the month are 1 to 31, L is the last'],
  ['cron 0 9 ? * 1', 'write * for any: cron 0 9 * * 1'],
  ['cron 0 9 31 2 *', 'none of its months has such a day'],
  ['cron 0 9 31 4,6,9,11 *', 'none of its months has such a day'],
])('rejects %j with a hint', (written, hint) => {
  expect(parseRecurrence(written)).toMatchObject({ hint });
});

test('rejects a very long text before reading it', () => {
  const hint = 'use at most 1000 characters';
  expect(parseRecurrence(`cron ${'0,'.repeat(600)}0 9 * * 1`)).toMatchObject({ hint });
  expect(parseAt(`event.${'x'.repeat(1000)}`)).toMatchObject({ hint });
  expect(parseAt(' '.repeat(50_000))).toHaveProperty('hint');
});

test('reads any text or rejects it with a hint, and a hint that says `write` is right', () => {
  const words = fc.constantFrom(...'monday day month on at 9 09:00 9am event.x - 1d + * cron ('.split(' '));
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 7 }).map((some) => some.join(' ')),
  );
  fc.assert(
    fc.property(text, (written) => {
      const recurrence = parseRecurrence(written);
      const better = 'hint' in recurrence ? /^write ([a-z].*)$/.exec(recurrence.hint)?.[1] : undefined;
      if (better !== undefined) expect(parseRecurrence(better)).toHaveProperty('recurrence');
      const point = parseAt(written);
      if ('at' in point && point.at.field !== undefined) {
        expect(written.slice(point.fieldOffset).startsWith(point.at.field)).toBe(true);
      }
    }),
  );
});
