import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findMember } from '../src/connectors/cards/find-member.ts';
import { runs } from './support/properties.ts';

/** A member of a JSON object is found in its bytes: that one, and no other text that looks like it. */

function readMember(json: string, name: string): string | undefined {
  const bytes = Buffer.from(json);
  const found = findMember(bytes, name);
  return found && bytes.subarray(found.start, found.end).toString();
}

test.each([
  ['{"old":{"n":"1"},"n":"2"}', '"2"'],
  ['{"n" :\n  "2"\n}', '"2"'],
  ['{"a":"\\"n\\":\\"1\\"","n":2}', '2'],
  ['{"a":"n","b":["n",{"n":1}],"n":"2"}', '"2"'],
  ['{"\\u006e":"2"}', '"2"'],
  ['{"a":"n"}', undefined],
  ['{"n":"1","n":"2"}', undefined],
  ['[{"n":"1"}]', undefined],
  ['"n"', undefined],
  ['{"n":"1"', undefined],
  ['{"n":"1', undefined],
  ['{', undefined],
  ['', undefined],
])('%s', (json, value) => {
  expect(readMember(json, 'n')).toBe(value);
});

test('of any object, with any spaces, each member is found as JSON.parse finds it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (object, spaces) => {
      const json = JSON.stringify(object, null, spaces);
      for (const [name, value] of Object.entries(JSON.parse(json) as object)) {
        expect(JSON.parse(readMember(json, name) ?? '')).toEqual(value);
      }
    }),
    runs(300),
  );
});

test('of any bytes it finds something within them, or nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\n 1') }), (json) => {
      const found = findMember(Buffer.from(json), 'n');
      if (found) expect(found.end).toBeLessThanOrEqual(json.length);
    }),
    runs(1000),
  );
});
