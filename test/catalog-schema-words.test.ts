import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compileSchema, documentWith, errorsIn, keysAt, partAt, SCHEMA } from './support/catalog-schema.ts';
import {
  ACCEPTED,
  CONNECTORS,
  EVENTS,
  KINDS,
  NOTIFICATIONS,
  PREFERENCES,
  ROUTES,
  RULES,
  SEGMENTS,
  SINKS,
  SOURCES,
} from './support/every-key.ts';
import { type CatalogFile, findKnownWords } from './support/parser.ts';

/**
 * catalog.schema.json and the parser know the same keys and the same words of closed lists. The parser is tried with each
 * word in its source.
 */

const VOCABULARY = [...new Set([...wordsOfSource(), ...wordsOfSchema(SCHEMA)])];

function wordsOfSource(): string[] {
  return ['catalog', 'model', 'simulate'].flatMap((room) => {
    const folder = join(import.meta.dirname, '../src', room);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    return files.flatMap((name) => {
      const quotedOrKey = /(['"`])([A-Za-z$][\w$-]*)\1|^\s+([A-Za-z$]\w*):/gm;
      return [...readFileSync(join(folder, name), 'utf8').matchAll(quotedOrKey)].map(
        ([, , word, key]) => (word ?? key)!,
      );
    });
  });
}

function wordsOfSchema(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  const { enum: words, properties } = part as { readonly enum?: unknown; readonly properties?: unknown };
  const own = [...(Array.isArray(words) ? words : []), ...Object.keys(properties ?? {})];
  return [...own.filter((word) => typeof word === 'string'), ...Object.values(part).flatMap(wordsOfSchema)];
}

const quote = JSON.stringify;

/** The key without which another one says nothing. */
const NEEDS: { readonly [key: string]: string } = {
  ...{ traits: 'events', mapping: 'events', groups: 'rules' },
  ...{ layout: 'notifications', variables: 'notifications' },
};

describe('keys', () => {
  const rule = `${RULES}  R:\n    notify: TELL\n`;
  const onBooked = `${rule}    on: booked\n`;
  const places: readonly (readonly [pointer: string, file: CatalogFile, before: string])[] = [
    ['/definitions/event', 'events.yaml', 'events:\n  e:\n'],
    ['/definitions/mapping', 'events.yaml', 'events:\nmapping:\n'],
    ['/definitions/mappedPart', 'events.yaml', 'events:\nmapping:\n  user_id:\n'],
    ['/definitions/jsonSchema', 'events.yaml', 'events:\n  e:\n    properties:\n      p:\n'],
    ['/definitions/notification', 'notifications.yaml', 'notifications:\n  N:\n'],
    ['/definitions/routeEntry', 'routes.yaml', 'routes:\n  email:\n    -\n'],
    ['/definitions/messageSource', 'sources.yaml', 'sources:\n  S:\n'],
    ['/definitions/messageSink', 'sinks.yaml', 'sinks:\n  S:\n'],
    ['/definitions/price', 'routes.yaml', 'prices:\n  -\n'],
    ['/definitions/switches', 'preferences.yaml', 'defaults:\n'],
    ['/definitions/region', 'preferences.yaml', 'legal_hours:\n  sms:\n    regions:\n      US-FL:\n'],
    ['/properties/groups/additionalProperties', 'rules.yaml', 'rules:\ngroups:\n  G:\n'],
    ['/definitions/rule', 'rules.yaml', `${RULES}  R:\n`],
    ['/definitions/step', 'rules.yaml', `${onBooked}    after:\n`],
    ['/definitions/count', 'rules.yaml', `${onBooked}    count:\n`],
    ['/definitions/absence', 'rules.yaml', `${onBooked}    unless:\n`],
    ['/definitions/burst', 'rules.yaml', `${onBooked}    debounce:\n`],
    ['/definitions/digest', 'rules.yaml', `${onBooked}    digest:\n`],
    ['/definitions/digest/properties/sliding', 'rules.yaml', `${onBooked}    digest:\n      sliding:\n`],
    ['/definitions/branch', 'rules.yaml', `${RULES}  R:\n    on: booked\n    choose:\n      -\n`],
    ['/definitions/action', 'rules.yaml', `${onBooked}    do:\n`],
    ['/definitions/case', 'cases.yaml', 'cases:\n  -\n'],
  ];

  test.each(places)('%s', async (pointer, file, before) => {
    const [known] = await findKnownWords(file, before, VOCABULARY, lineUnder(before));
    expect([...known!].sort()).toEqual(keysAt(pointer));
    expect(partAt(pointer).additionalProperties).toBe(false);
  });

  test('of a trigger, which is about a trait or about a notification', async () => {
    const before = `${rule}    on:\n`;
    const about = `${before}      trait: plan\n`;
    const [trait] = await findKnownWords('rules.yaml', about, VOCABULARY, lineUnder(before));
    const others = VOCABULARY.filter((word) => !trait!.has(word));
    const [notification] = await findKnownWords('rules.yaml', before, others, lineUnder(before));
    expect([...trait!, ...notification!].sort()).toEqual(keysAt('/definitions/trigger'));
    for (const one of trait!) {
      for (const other of notification!) {
        const on = { trait: 'plan', notification: 'TELL', is: 'failed', [one]: 'plan', [other]: 'failed' };
        expect(errorsIn({ rules: { R: { on } } }).length).toBeGreaterThan(0);
      }
    }
  });

  test('of the events and expectations of a case, beside one that is a name', async () => {
    const [event] = await findKnownWords(
      'cases.yaml',
      'cases:\n',
      VOCABULARY,
      (word) => `  - { name: n, expect: none, events: [{ at: 2025-11-03T09:00Z, seen: , ${quote(word)}: }] }\n`,
    );
    const { anyOf: posted } = partAt('/definitions/case/properties/events/items/if');
    const envelopes = (posted as { readonly required: readonly string[] }[]).flatMap(({ required }) => required);
    expect([...event!].sort()).toEqual([...keysAt('/definitions/caseEvent'), ...envelopes].sort());
    const [expectation] = await findKnownWords(
      'cases.yaml',
      'cases:\n',
      VOCABULARY,
      (word) => `  - { name: n, from: 2025-11-03T09:00Z, expect: [{ TELL: send, ${quote(word)}: }] }\n`,
    );
    expect([...expectation!].sort()).toEqual(keysAt('/definitions/expectation'));
  });

  test('at the top of a file, and which of them go together', async () => {
    const tops: string[][] = [];
    for (const file of [
      'events.yaml',
      'notifications.yaml',
      'rules.yaml',
      'segments.yaml',
      'routes.yaml',
      'sources.yaml',
      'sinks.yaml',
      'preferences.yaml',
      'connectors.yaml',
      'cases.yaml',
    ] as const) {
      const [known] = await findKnownWords(file, '', VOCABULARY, lineUnder(''));
      tops.push([...known!]);
    }
    expect(tops.flat().sort()).toEqual(keysAt(''));
    expect(SCHEMA.additionalProperties).toBe(false);
    const empty: { readonly [key: string]: unknown } = {
      cases: [],
      prices: [],
      layout: 'none',
      zone: 'UTC',
      required: ['TELL'],
      quiet_hours: '22:00-08:00',
      hold_spread: '10m',
    };
    for (const one of tops.flat()) {
      for (const other of tops.flat()) {
        const errors = errorsIn({ [one]: empty[one] ?? {}, [other]: empty[other] ?? {} });
        const together = tops.some((top) => top.includes(one) && top.includes(other));
        const needs = NEEDS[one] ?? one;
        expect(errors.length === 0, `${one} and ${other}`).toBe(together && [one, other].includes(needs));
      }
    }
  });

  test('each key of the schema is in a document that the parser accepts', () => {
    const all = new Set<string>();
    const seen = new Set<string>();
    const check = compileSchema(watch(SCHEMA, '', all) as typeof SCHEMA, (place) => seen.add(place));
    const documents = KINDS.flatMap((kind) => ACCEPTED[kind].map((thing) => documentWith(kind, thing)));
    const files = [EVENTS, NOTIFICATIONS, SEGMENTS, ROUTES, SOURCES, SINKS, PREFERENCES, ...CONNECTORS];
    for (const document of [...files.map((text) => parse(text)), ...documents])
      expect(errorsIn(document, check)).toEqual([]);
    expect(all.size).toBeGreaterThan(100);
    expect([...all].filter((place) => !seen.has(place))).toEqual([]);
  });

  /** Writes a line for a key of the last mapping in `before`. */
  function lineUnder(before: string): (word: string) => string {
    const last = before.trimEnd().split('\n').at(-1)!;
    const indent = before === '' ? 0 : last.length - last.trimStart().length + 2;
    return (word) => `${' '.repeat(indent)}${quote(word)}:\n`;
  }

  /** Returns the schema with a keyword `seen` in each property, and adds the place of each to `all`. */
  function watch(part: unknown, place: string, all: Set<string>): unknown {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return part.map((item, index) => watch(item, `${place}/${index}`, all));
    const keywords = Object.entries(part).map(([key, value]): [string, unknown] => {
      if (key === 'defaultSnippets') return [key, value];
      if (key !== 'properties') return [key, watch(value, `${place}/${key}`, all)];
      const properties = Object.entries(value as object).map(([name, property]) => {
        const inside = `${place}/properties/${name}`;
        if (property === false) return [name, property];
        all.add(inside);
        return [name, { allOf: [{ seen: inside }, watch(property, inside, all)] }];
      });
      return [key, Object.fromEntries(properties)];
    });
    return Object.fromEntries(keywords);
  }
});

describe('words', () => {
  const template = (lines: readonly string[]) => (word: string, index: number) =>
    lines.map((line) => `${line.replaceAll('INDEX', String(index)).replaceAll('WORD', () => quote(word))}\n`).join('');
  const waiting = [
    '  RINDEX:',
    '    on: { notification: TELL, is: WORD }',
    '    at: user.trial_ends_at',
    '    if_past: WORD',
    '    if_missing: WORD',
    '    again: WORD',
    '    channels: WORD',
    '    notify: TELL',
  ];
  const digest = ['  RINDEX: { on: booked, digest: { window: 1h, first: WORD }, notify: TELL }'];
  const notification = ['  NINDEX:', '    category: WORD', '    in_doubt: WORD', '    channels: internal'];
  const event = [
    '  eINDEX:',
    '    properties:',
    '      a: WORD',
    '      b: { type: WORD }',
    '      c: { format: WORD }',
  ];
  const oneCase = [
    '  - name: n',
    '    from: 2025-11-03T09:00Z',
    '    expect:',
    '      - TELL: WORD',
    '      - { TELL: send, because: WORD }',
  ];
  const places: readonly (readonly [
    what: string,
    file: CatalogFile,
    before: string,
    lines: readonly string[],
    pointers: { readonly [line: number]: string },
  ])[] = [
    [
      'of a rule',
      'rules.yaml',
      RULES,
      waiting,
      {
        1: '/definitions/lifecycle',
        3: '/definitions/missedTime',
        4: '/definitions/missedTime',
        5: '/definitions/rule/properties/again',
        6: '/definitions/channel',
      },
    ],
    ['of a digest', 'rules.yaml', RULES, digest, { 0: '/definitions/digest/properties/first' }],
    [
      'of a notification',
      'notifications.yaml',
      'notifications:\n',
      notification,
      { 1: '/definitions/notification/properties/category', 2: '/definitions/notification/properties/in_doubt' },
    ],
    [
      'of a schema',
      'events.yaml',
      'events:\n',
      event,
      {
        2: '/definitions/fieldSchema/anyOf/0',
        3: '/definitions/jsonType',
        4: '/definitions/jsonSchema/properties/format',
      },
    ],
    [
      'of a case',
      'cases.yaml',
      'cases:\n',
      oneCase,
      { 3: '/definitions/expectation/additionalProperties', 4: '/definitions/expectation/properties/because' },
    ],
  ];

  test.each(places)('%s', async (_what, file, before, lines, pointers) => {
    const known = await findKnownWords(file, before, VOCABULARY, template(lines));
    for (const [line, pointer] of Object.entries(pointers)) {
      const words = (partAt(pointer).enum as unknown[]).filter((word) => typeof word === 'string');
      expect([...known[Number(line)]!].sort(), pointer).toEqual(words.sort());
    }
  });
});
