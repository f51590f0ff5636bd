import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { changeSmallCatalog, formatMistakes, listMistakes, type Mistake, SMALL_CATALOG } from './support/catalog.ts';
import { runs } from './support/properties.ts';

describe('any content of the files', () => {
  const FILES = ['events.yaml', 'notifications.yaml', 'rules.yaml', 'templates/WELCOME/sms.en.txt'];
  const WORDS = [
    ...[
      'events',
      'traits',
      'notifications',
      'rules',
      'properties',
      'schema',
      'required',
      'type',
      'items',
      '$ref',
      '$defs',
    ],
    ...['on', 'when', 'after', 'event', 'within', 'limit', 'notify', 'expires', 'category', 'channels', 'description'],
    ...['count', 'at_least', 'since', 'of', 'same', 'unless', 'key', 'delay', 'at', 'if_past', 'recheck', 'cancel_on'],
    ...['again', 'debounce', 'quiet', 'at_most', 'throttle', 'digest', 'window', 'sliding', 'first', 'keep', 'every'],
    ...['for', 'zone', 'group', 'groups', 'data', 'choose', 'split', 'do', 'set', 'emit', 'with', 'cancel', 'trait'],
    ...[
      'to',
      'notification',
      'is',
      'failed',
      'none',
      'user',
      '50%',
      'monday 09:00',
      'event.amount - 24h',
      'now',
      'skip',
    ],
    ...[
      'WELCOME',
      'payment_failed',
      'pattern',
      'enum',
      '__proto__',
      'constructor',
      'toString',
      '#/$defs/a',
      'a',
      'string',
    ],
    ...['24h', 'once', '1 per day', 'event.amount > 3', 'event.x.exists(y, y', 'MARKETING', 'email', 'sms', '', 'null'],
  ];
  const word = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...WORDS) }, { weight: 1, arbitrary: fc.string() });
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      word,
      fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));

  it('as text gives a catalog or a CatalogError', async () => {
    const mark = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      '- ',
      '? ',
      '&a',
      '*a',
      '!',
      '|',
      '>',
      '#',
      '"',
      "'",
      '\n',
      '\t',
      ' ',
      '---\n',
      '%',
      '{{',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(mark, word), { maxLength: 60 }).map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...FILES), text, async (file, written) => {
        for (const problem of await listMistakes(changeSmallCatalog({ [file]: written }))) expectPlace(problem);
      }),
      runs(400),
    );
  });

  it('as YAML gives a catalog or a CatalogError', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, tree, async (events, notifications, rules) => {
        const files = {
          'events.yaml': stringify({ events, traits: events }),
          'notifications.yaml': stringify({ notifications }),
          'rules.yaml': stringify({ rules }),
        };
        for (const problem of await listMistakes(changeSmallCatalog(files))) expectPlace(problem);
      }),
      runs(300),
    );
  });

  it('at any path gives a catalog or a CatalogError', async () => {
    const path = fc.array(
      fc.constantFrom('templates', '/', 'WELCOME', 'sms', '.', 'en', 'txt', '..', 'rules', 'yaml', ' '),
    );
    await fc.assert(
      fc.asyncProperty(path, async (parts) => {
        for (const problem of await listMistakes(changeSmallCatalog({ [parts.join('')]: 'x' }))) expectPlace(problem);
      }),
    );
  });

  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++) bomb.push(`b${i}: &a [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]`);
  it.each([
    ['aliases of aliases', bomb.join('\n')],
    ['an alias inside itself', 'rules: &a { x: *a }'],
    ['open lists', '['.repeat(200_000)],
    ['open mappings', '{a: '.repeat(60_000)],
    ['lists in lists', '- '.repeat(100_000)],
    ['keys of keys', '? '.repeat(100_000)],
    ['many aliases', 'a: &a x\n'.concat('b: *a\n'.repeat(30_000))],
    ['too much', ' '.repeat(2_000_000)],
  ])('%s: is parsed within bounds', async (_name, text) => {
    const problems = await listMistakes(changeSmallCatalog({ 'rules.yaml': text }));
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expectPlace(problem);
  });

  it('rejects schemas that grow too large when each $ref is expanded', async () => {
    const levels = Array.from({ length: 40 }, (_, i) => {
      const next = `'#/$defs/d${i + 1}'`;
      return `        d${i}: { allOf: [{ $ref: ${next} }, { $ref: ${next} }] }`;
    });
    const schema = `    schema:\n      $ref: '#/$defs/d0'\n      $defs:\n${levels.join('\n')}\n        d40: {}\n`;
    expect(
      (
        await formatMistakes(changeSmallCatalog({ 'events.yaml': `${SMALL_CATALOG['events.yaml']}  x:\n${schema}` }))
      )[0],
    ).toContain('too large');
  });

  function expectPlace(problem: Mistake): void {
    expect(problem.line).toBeGreaterThan(0);
    expect(problem.column).toBeGreaterThan(0);
    expect(problem.message).not.toMatch(/undefined|\[object|cannot be read as YAML/);
  }
});
