import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { documentWith, errorsAt, errorsIn, type Part, SCHEMA, visitSchemas } from './support/catalog-schema.ts';
import { ACCEPTED, CASES, EVENTS, KINDS, NOTIFICATIONS, RULES } from './support/every-key.ts';
import { codeBlocks } from './support/markdown.ts';
import { mutantsOf } from './support/mutants.ts';
import { areAccepted, type Kind, mistakesIn } from './support/parser.ts';
import { runs } from './support/properties.ts';
import { once, rolling, someRules, userDaily } from './support/random-catalog.ts';
import { anyRules } from './support/random-history.ts';
import { someOrderlyRule, someTimedRules } from './support/random-rules.ts';
import { writeRule } from './support/written-rule.ts';

/**
 * catalog.schema.json, by which editors complete and check a catalog, agrees with the parser: an editor is never stricter,
 * and the mistakes that only the parser finds are listed.
 */

const ROOT = join(import.meta.dirname, '..');

describe('the schema accepts what the parser accepts', () => {
  const examples = join(ROOT, 'examples');
  const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  test.each(files)('examples/%s', (name) => {
    expect(errorsIn(parse(readFileSync(join(examples, name), 'utf8')))).toEqual([]);
  });

  const stories = join(ROOT, 'test/stories');
  test.each(readdirSync(stories))('test/stories/%s', (name) => {
    for (const story of parseAllDocuments(readFileSync(join(stories, name), 'utf8'))) {
      const { cases, ...rules } = story.toJS();
      expect(errorsIn({ cases })).toEqual([]);
      expect(errorsIn(rules)).toEqual([]);
    }
  });

  test('docs/rules.md', () => {
    const blocks = codeBlocks(readFileSync(join(ROOT, 'docs/rules.md'), 'utf8'));
    const catalogs = blocks.filter(({ text }) => /^(events|notifications|rules|cases):/.test(text));
    expect(catalogs.length).toBeGreaterThan(20);
    for (const { text, line } of catalogs) expect(errorsIn(parse(text)), `line ${line}`).toEqual([]);
  });

  test.each([
    ['events.yaml', EVENTS],
    ['events.yaml', ''],
    ['events.yaml', 'events:'],
    ['notifications.yaml', NOTIFICATIONS],
    ['notifications.yaml', 'notifications:'],
    ['rules.yaml', RULES],
    ['rules.yaml', 'rules:\ngroups:'],
    ['cases.yaml', CASES],
    ['cases.yaml', 'cases: []'],
  ] as const)('%s: %j', async (file, text) => {
    expect(await mistakesIn(file, text)).toEqual([]);
    expect(errorsIn(parse(text))).toEqual([]);
  });

  test.each(KINDS)('%s, in each of its forms', async (kind) => {
    expect(await areAccepted(kind, ACCEPTED[kind])).not.toContain(false);
    for (const thing of ACCEPTED[kind]) expect(errorsIn(documentWith(kind, thing)), JSON.stringify(thing)).toEqual([]);
  });

  test('random rules of other tests', async () => {
    const rules = fc.oneof(
      someRules(fc.array(fc.oneof(once, userDaily, rolling), { maxLength: 2 })),
      someTimedRules,
      anyRules(true),
      someOrderlyRule.map((rule) => [rule]),
    );
    const written = fc.sample(rules, runs(150)).flat().map(writeRule);
    const accepted = await areAccepted('rule', written);
    expect(accepted.filter(Boolean).length).toBeGreaterThan(written.length / 2);
    for (const [index, rule] of written.entries()) {
      if (accepted[index]) expect(errorsIn({ rules: { R: rule } }), JSON.stringify(rule)).toEqual([]);
    }
  });

  const rule = (part: object) => ({ on: 'booked', notify: 'TELL', ...part });
  const DURATION = ['1', '30', '0', '365', 'w', 'd', 'h', 'm', 's', 'H'];
  const TIME = ['09:00', '23:59', '24:00', '9:00'];
  const texts: readonly (readonly [what: string, Kind, fc.Arbitrary<string>, (text: string) => unknown])[] = [
    [
      'durations',
      'rule',
      // Few sequences are durations.
      fc.oneof(sequences(DURATION), fc.constantFrom('1d', '30m', '365 d')),
      (delay) => rule({ delay }),
    ],
    ['spans of a count', 'rule', sequences([...DURATION, 'day']), (within) => rule({ count: { at_least: 2, within } })],
    [
      'limits',
      'rule',
      variantsOf([
        ...['once', 'once ever', '3 ever', '1 per day', 'once per day in user zone', '2 per day in Europe/Lisbon'],
        ...['3 per 24h', '1000 per 1h30m per person', '2 per calendar day in UTC per person', 'once per person'],
      ]),
      (limit) => rule({ limit }),
    ],
    [
      'schedules',
      'rule',
      variantsOf([
        ...['monday 09:00', 'weekday 08:30', 'day 18:00', 'hour', 'month on 1 at 09:00', 'month on last at 23:59'],
        ...['cron 0 9 * * 1', 'cron */5 * L * 1-5'],
      ]),
      (every) => ({ every, for: true, notify: 'TELL' }),
    ],
    [
      'zones',
      'rule',
      variantsOf([
        ...['user', 'user zone', "the user's own time zone", 'UTC', 'Europe/Lisbon', 'America/Argentina/Buenos_Aires'],
        ...['Etc/GMT+5', 'America/Port-au-Prince', 'EST5EDT', '+02:00'],
      ]),
      (zone) => rule({ zone, at: '09:00' }),
    ],
    ['points in time', 'rule', sequences(['event.starts_at', '-', '+', '1d', 'monday', ...TIME]), (at) => rule({ at })],
    [
      'shares',
      'rule',
      fc
        .tuple(
          fc.constantFrom('50', '050', '0050', '5', '100'),
          fc.constantFrom('', '.0', '.00', '.000', '.5'),
          fc.constantFrom('%', '%', ' %', ''),
        )
        .map((parts) => parts.join('')),
      (share) => rule({ split: { a: share, b: '50%' } }),
    ],
    [
      'names of data',
      'rule',
      sequences(['a', 'Z', '_', '9', '-', 'é', 'x'.repeat(30)]),
      (name) => rule({ data: { [name]: '1' } }),
    ],
    [
      'times',
      'case',
      fc
        .tuple(
          fc.constantFrom('2025-11-03', '2025-11-03', '2025-11-3', '2025-02-29'),
          fc.constantFrom('T', 't', ' ', '_'),
          fc.constantFrom('09:00', '23:59', '24:00', '9:00'),
          fc.constantFrom('', ':30', ':60', ':3', '.5'),
          fc.constantFrom('', '.5', ',25', '.1234567890123'),
          fc.constantFrom('Z', 'z', '+02:00', '-0530', '+02', ''),
        )
        .map((parts) => parts.join('')),
      (from) => ({ name: 'n', from, expect: 'none' }),
    ],
  ];
  test.each(texts)('%s', async (_what, kind, text, thing) => {
    let accepted = 0;
    const property = fc.asyncProperty(fc.array(text, { minLength: 30, maxLength: 30 }), async (some) => {
      const things = some.map(thing);
      for (const [index, right] of (await areAccepted(kind, things)).entries()) {
        if (!right) continue;
        accepted++;
        expect(errorsIn(documentWith(kind, things[index])), JSON.stringify(some[index])).toEqual([]);
      }
    });
    await fc.assert(property, runs(5));
    expect(accepted).toBeGreaterThan(0);
  });

  test.each([
    ['rules', 'rules.yaml', (name: string) => `rules: { ${name}: { on: booked, notify: TELL } }`],
    [
      'notifications',
      'notifications.yaml',
      (name: string) => `notifications: { ${name}: { category: SYSTEM, channels: internal } }`,
    ],
    ['groups', 'rules.yaml', (name: string) => `rules:\ngroups: { ${name}: { limit: once } }`],
    ['events', 'events.yaml', (name: string) => `events: { ${name}: }`],
  ] as const)('the same names of %s', async (_what, file, write) => {
    const names = [
      'A',
      'a-b.c_9',
      'true',
      `A${'x'.repeat(127)}`,
      `A${'x'.repeat(128)}`,
      '9a',
      '_a',
      'a b',
      'é',
      '',
      '\u0007',
      'x'.repeat(257),
    ];
    for (const name of names) {
      const text = write(JSON.stringify(name));
      const accepted = (await mistakesIn(file, text)).length === 0;
      expect(errorsIn(parse(text)).length === 0, JSON.stringify(name)).toBe(accepted);
    }
  });

  /** Some of these words in any order. */
  function sequences(words: readonly string[]): fc.Arbitrary<string> {
    return fc
      .tuple(fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 5 }), fc.constantFrom('', '', ' ', '  '))
      .map(([parts, between]) => parts.join(between));
  }

  /** These texts with words in capitals, a word less, and more spaces. */
  function variantsOf(forms: readonly string[]): fc.Arbitrary<string> {
    return fc.constantFrom(...forms.map((form) => form.split(' '))).chain((words) =>
      fc
        .tuple(
          ...words.map((word) => fc.constantFrom(word, word, word, word.toUpperCase(), word.toUpperCase(), null)),
          fc.constantFrom(' ', ' ', '  '),
        )
        .map((parts) =>
          parts
            .slice(0, -1)
            .filter((word) => word !== null)
            .join(parts.at(-1)!),
        )
        .chain((text) => fc.constantFrom(text, text, ` ${text} `)),
    );
  }
});

describe('the schema rejects what the parser rejects', () => {
  const MAPPED = ['events.data', 'events.data.*', 'events.metadata.timestamp'];
  /** Mistakes that only the parser finds: the schema knows neither the names in a catalog nor the meaning of expressions. */
  const ONLY_PARSER: { readonly [kind in Kind]: { readonly [change: string]: readonly string[] } } = {
    event: {
      'another word': [
        ...['properties.*.items', 'required', 'schema.properties.*.$ref', 'schema.properties.*.minContains'],
        // A path that begins with a name of an envelope in another case: DATA.userId.
        ...['user_id', 'event_id', 'time', 'traits.*', 'properties.*'].map((part) => `mapping.${part}.from`),
        'mapping.properties.*',
      ],
      'another shape': ['properties.*.items'],
      'a key less': [
        ...['properties.*', 'properties.*.items', 'schema.$defs', 'schema.$defs.*', 'schema.if'],
        'schema.properties.*.contains',
      ],
    },
    trait: {},
    notification: {
      // Whether there are templates and layouts, which stand in other files; and invisible characters in a name.
      'another word': ['provider_template', 'layout', 'layout.internal'],
      'another shape': ['provider_template'],
      'a key less': ['provider_template', 'provider_template.email'],
    },
    rule: {
      'another word': [
        // Names of the catalog, and what a trait can be.
        ...['on', 'on.trait', 'on.to', 'on.notification', 'notify', 'choose.notify', 'group', 'cancel_on'],
        ...['after.event', 'count.of', 'count.since', 'unless.event', 'do.emit', 'do.cancel', 'for.segment'],
        // Expressions.
        ...['when', 'key', 'for', 'at', 'after.same', 'count.same', 'unless.same', 'choose.when'],
        ...['data.*', 'do.set.*', 'do.with.*', 'variables', 'variables.app_name'],
        // Zones, and cron patterns.
        ...['zone', 'limit', 'every'],
      ],
      // The declared variables of the notification.
      'another key': ['variables'],
      'another shape': ['on.to'],
      'an item twice': ['on', 'count.of', 'unless.event', 'cancel_on', 'choose'],
      // Another key needs the one that is gone.
      'a key less': ['notify', 'choose', 'do', 'unless', 'at', 'digest', 'choose.when', 'split.*'],
    },
    group: {},
    case: {
      // The properties and traits of the event, by its schema.
      'another word': [
        ...['events.booked.*', 'events.traits.*', 'profile.*'],
        // Names of the catalog in posted events, and what a mapping can find elsewhere: user, time and properties.
        ...['events.event_type', 'events.type', 'events.eventType', ...MAPPED],
      ],
      'another shape': [
        ...['events.booked', 'events.booked.*', 'events.traits.*', 'profile.*'],
        ...[...MAPPED, 'events.metadata'],
      ],
      'a key less': [
        ...['events.booked', 'events.booked.*', 'expect.TELL', 'from'],
        ...[...MAPPED, 'events.metadata', 'events.arrives'],
      ],
    },
  };

  test.each(KINDS)('%s, changed in one place', async (kind) => {
    const mutants = mutantsOf(ACCEPTED[kind]);
    const values = mutants.map(({ value }) => value);
    const accepted = await areAccepted(kind, values);
    const valid = values.map((value) => errorsIn(documentWith(kind, value)).length === 0);
    const stricter = mutants.filter((_, index) => accepted[index] && !valid[index]);
    expect(stricter, 'an editor would be stricter than the parser').toEqual([]);
    const looser = mutants.filter((_, index) => !accepted[index] && valid[index]).map(({ name }) => name);
    const listed = Object.entries(ONLY_PARSER[kind]).flatMap(([change, places]) =>
      places.map((place) => `${change}: ${place}`),
    );
    expect([...new Set(looser)].sort()).toEqual(listed.sort());
  });

  test('also "required" beside properties that are not there', async () => {
    const event = { properties: {}, required: 'amount' };
    expect(await areAccepted('event', [event])).toEqual([false]);
    expect(errorsIn(documentWith('event', event))).toEqual(['/events/e/required must be array']);
  });
});

describe('what an editor shows', () => {
  test('has snippets that are valid unchanged', () => {
    let count = 0;
    visitSchemas(SCHEMA, (part, pointer) => {
      for (const { body } of (part.defaultSnippets ?? []) as { readonly body: unknown }[]) {
        expect(errorsAt(pointer, fillIn(body)), pointer).toEqual([]);
        count++;
      }
    });
    expect(count).toBeGreaterThan(15);
  });

  test('has a description of each key', () => {
    const silent: string[] = [];
    visitSchemas(SCHEMA, (part, pointer) => {
      // The other side of an anyOf or an if: it speaks of keys that are described elsewhere.
      if (/\/(anyOf\/0|then)$/.test(pointer)) return;
      for (const [key, property] of Object.entries((part.properties ?? {}) as Part)) {
        const { description, $ref } = property as Part;
        if (!description && $ref !== '#/definitions/same') silent.push(`${pointer}/${key}`);
      }
    });
    expect(silent).toEqual([]);
  });

  /** The snippet with the defaults of its placeholders: `${1:once}`; a number is a number. */
  function fillIn(body: unknown): unknown {
    const json = JSON.stringify(body).replace(/"\$\{\d+:(\d+)\}"/g, '$1');
    return JSON.parse(json.replace(/\$\{\d+:((?:[^}\\]|\\.)*)\}/g, '$1'));
  }
});
