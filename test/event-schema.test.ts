import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  changeSmallCatalog,
  compileEventCheck,
  type EventCheck,
  type EventProperties,
  parseCatalog,
  SMALL_CATALOG,
} from './support/catalog.ts';

describe('an event that violates its schema', () => {
  let check: EventCheck;
  beforeAll(async () => {
    check = await compileEventCheck(
      changeSmallCatalog({
        'events.yaml': `${SMALL_CATALOG['events.yaml']}
  order:
    required: [id]
    properties:
      id: string
      at: timestamp
      status: { enum: [open, paid] }
      code: { type: string, pattern: '^(a|a)*$' }
      count: { type: integer, minimum: 1 }
      note: { type: [string, null] }
      contact_email: { type: string, format: email }
      items: { type: array, items: { type: object, properties: { price: number }, additionalProperties: false } }
`,
      }),
    );
  });

  it.each<[EventProperties, string, string]>([
    [{}, 'properties.id', 'is missing'],
    [{ id: 3 }, 'properties.id', 'is the number 3, but must be text'],
    [{ id: 'x', count: '3' }, 'properties.count', 'is text ("3"), but must be an integer'],
    [{ id: 'x', count: 3.5 }, 'properties.count', 'is the number 3.5, but must be an integer'],
    [{ id: 'x', count: 0 }, 'properties.count', 'is the number 0, but must be at least 1'],
    [{ id: 'x', note: false }, 'properties.note', 'is false, but must be text or null'],
    [{ id: 'x', status: 'Open' }, 'properties.status', 'is text ("Open"), but must be one of "open", "paid"'],
    [
      { id: 'x', at: '2025-10-31T19:00:00' },
      'properties.at',
      'is text, but must be a date and time with a zone (2025-10-31T19:00:00Z)',
    ],
    [{ id: 'x', items: [{}, {}, { price: null }] }, 'properties.items[2].price', 'is null, but must be a number'],
    [{ id: 'x', items: [{ prize: 3 }] }, 'properties.items[0].prize', 'is not a key that is allowed here'],
    [{ id: 'x', items: { a: 1 } }, 'properties.items', 'is an object, but must be a list'],
    [{ id: 'x', contact_email: 'secret' }, 'properties.contact_email', 'is text, but must be an email address'],
  ])('%j', (properties, path, message) => {
    expect(check('order', properties, {})).toEqual({ path, message });
  });

  it('reports traits, and never quotes an address or a long value', () => {
    expect(check('x', {}, { marketing_opt_in: 'yes' })).toEqual({
      path: 'user_traits.marketing_opt_in',
      message: 'is text ("yes"), but must be true or false',
    });
    for (const address of ['maria@example.com', '+351 912 345 678', '00351912345678']) {
      expect(JSON.stringify(check('x', {}, { marketing_opt_in: address }))).not.toContain(address);
      const violation = check('order', { id: 'x', items: [{ [address]: 1 }] }, {});
      expect(violation?.path).toBe('properties.items[0].…');
    }
    expect(check('order', { id: 'x', count: 'a'.repeat(9999) }, {})?.message.length).toBeLessThan(90);
  });

  it('is found in linear time for any pattern', () => {
    expect(check('order', { id: 'x', code: `${'a'.repeat(9999)}!` }, {})?.path).toBe('properties.code');
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (type, json) => {
        const properties = json as EventProperties;
        for (const name of ['order', type]) {
          const violation = check(name, { id: 'x', ...properties }, properties);
          if (violation) expect(violation.path).toMatch(/^(properties|user_traits)/);
        }
      }),
    );
  });
});

describe('schemas of a catalog', () => {
  it('keeps a full JSON Schema, and expands short types in it', async () => {
    const files = changeSmallCatalog({
      'events.yaml': `${SMALL_CATALOG['events.yaml']}
  order:
    schema:
      required: [lines]
      properties: { lines: { type: array, items: { $ref: '#/$defs/line' } } }
      additionalProperties: false
      $defs: { line: { type: object, properties: { price: number } } }
`,
    });
    const data = await parseCatalog(files);
    expect(data.events.find(({ name }) => name === 'order')?.properties).toEqual({
      required: ['lines'],
      properties: { lines: { type: 'array', items: { $ref: '#/$defs/line' } } },
      additionalProperties: false,
      $defs: { line: { type: 'object', properties: { price: { type: 'number' } } } },
    });
    const check = await compileEventCheck(files);
    expect(check('order', { lines: [{ price: '1' }] }, {})?.path).toBe('properties.lines[0].price');
    expect(check('order', { lines: [], linse: 1 }, {})).toEqual({
      path: 'properties.linse',
      message: 'is not a key that is allowed here; did you mean lines?',
    });
  });

  it('allows other keys and requires nothing in the short form', async () => {
    const data = await parseCatalog(changeSmallCatalog({}));
    expect(data.traits).toEqual({ type: 'object', properties: { marketing_opt_in: { type: 'boolean' } } });
    expect(data.events[0]).toEqual({ name: 'signup_completed' });
  });
});
