import { expect, test } from 'vitest';
import { parseAt } from '../src/catalog/parse/rules/at-expression.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

test.each([
  ['event.starts_at', { field: 'event.starts_at', offset: 0 }, 0],
  ['event.starts_at - 24h', { field: 'event.starts_at', offset: -DAY }, 0],
  ['event.starts_at + 1h30m', { field: 'event.starts_at', offset: 90 * MINUTE }, 0],
  ['  event.due_at - 1d 09:00 ', { field: 'event.due_at', offset: -DAY, timeOfDay: 540 }, 2],
  ['event.due_at 00:05', { field: 'event.due_at', offset: 0, timeOfDay: 5 }, 0],
  ['event["x - 5h"]', { field: 'event["x - 5h"]', offset: 0 }, 0],
  ['event["x-5h 1"]', { field: 'event["x-5h 1"]', offset: 0 }, 0],
  ['event.ok ? event.a : event.b - 2h', { field: 'event.ok ? event.a : event.b', offset: -120 * MINUTE }, 0],
  ['matched["trip"].ends_at + 1w', { field: 'matched["trip"].ends_at', offset: 7 * DAY }, 0],
  ['event.a - event.b', { field: 'event.a - event.b', offset: 0 }, 0],
  ['09:00', { offset: 0, timeOfDay: 540 }, 0],
  ['monday 23:59', { offset: 0, timeOfDay: 1439, weekday: 1 }, 0],
  ['Sunday 00:00', { offset: 0, timeOfDay: 0, weekday: 7 }, 0],
])('reads %s', (written, read, fieldOffset) => {
  const result = parseAt(written);
  expect(result).toEqual({ at: { text: written.trim(), ...read }, fieldOffset });
});

test.each([
  ['', 'use one of: event.starts_at - 24h, event.due_at - 1d 09:00, event.due_at 09:00, 09:00, monday 09:00'],
  ['9:00', 'write 09:00'],
  ['9am', 'write 09:00'],
  ['12:30 am', 'write 00:30'],
  ['24:00', 'write 00:00'],
  ['25:00', 'use a time of day from 00:00 to 23:59'],
  ['mondays 09:00', 'write monday 09:00'],
  ['mon at 9:00', 'write monday 09:00'],
  ['mondy 09:00', 'did you mean monday 09:00?'],
  ['monday', 'the time is missing: monday 09:00'],
  ['09:00 on monday', 'write monday 09:00'],
  ['tomorrow 09:00', 'write 09:00 for the next 09:00'],
  ['24h', 'write delay: 24h, or add a field: event.starts_at + 24h'],
  ['- 24h', 'add a field: event.starts_at - 24h'],
  ['1 day before event.starts_at', 'write event.starts_at - 1d'],
  ['starts_at - 2h', 'did you mean event.starts_at - 2h?'],
  ['event.starts_at-24h', 'write event.starts_at - 24h'],
  ['event.starts_at -24h 09:00', 'write event.starts_at - 24h 09:00'],
  ['event.starts_at - 1 day', 'write event.starts_at - 1d'],
  ['event.starts_at - 24 hours 09:00', 'write event.starts_at - 24h 09:00'],
  ['event.starts_at - 30', 'the unit is missing: 30s, 30m, 30h or 30d?'],
  ['event.starts_at - 1d - 2h', 'write one, from large to small: 1d12h'],
  ['event.starts_at - 1d at 9am', 'write event.starts_at - 1d 09:00'],
  ['event.starts_at - 1d 25:00', 'use a time of day from 00:00 to 23:59'],
  ['event.starts_at monday 09:00', 'a weekday cannot follow a field, only a time can'],
])('rejects %j with a hint', (written, hint) => {
  expect(parseAt(written)).toMatchObject({ hint });
});
