import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalize, jsonText } from '../src/events/content.ts';
import type { Json } from '../src/model/event.ts';
import { runs } from './support/properties.ts';

test('the canonical text is the JSON text of the value with sorted keys', () => {
  const inOrder = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(inOrder);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((name) => [name, inOrder(value[name] as Json)]),
    );
  };
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((one) => one.replaceAll('\0', '')),
    fc.constantFrom('m…@example.com', '…', '"', '\\', '+351', 'a@b.pt', '\n', '\u2028', 'é'),
  );
  // JavaScript puts integer keys first, whatever their order in the source.
  const name = text.filter((one) => one !== '__proto__' && !/^\d+$/.test(one));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (given) => {
      const json = JSON.parse(JSON.stringify(given)) as Json;
      const written = { text: '', address: false, values: 0 };
      const stored = canonicalize(json, 'properties', '', written);
      expect(written.text).toBe(jsonText(inOrder(json)));
      expect(JSON.stringify(stored)).toBe(JSON.stringify(inOrder(json)));
    }),
    runs(2000),
  );
});
