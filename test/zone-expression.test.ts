import { expect, test } from 'vitest';
import { parseZone } from '../src/catalog/parse/rules/zone-expression.ts';

const LISBON = 'Europe/Lisbon';

test.each([
  ['user', 'user'],
  ["the user's time zone", 'user'],
  ['utc', 'UTC'],
  [' europe/lisbon ', LISBON],
  ['Asia/Kolkata', 'Asia/Kolkata'],
])('reads %s', (written, zone) => {
  expect(parseZone(written)).toBe(zone);
});

test.each([
  ['Europe/Lisbonn', 'did you mean Europe/Lisbon?'],
  ['usr', 'did you mean user?'],
  ['+01:00', 'write user zone, UTC or an IANA name like Europe/Lisbon'],
])('rejects %s with a hint', (written, hint) => {
  expect(parseZone(written)).toMatchObject({ hint });
});
