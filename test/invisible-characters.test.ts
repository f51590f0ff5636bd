import { describe, expect, test } from 'vitest';
import { compileCondition } from '../src/expressions/condition.ts';
import { formatMistakes } from './support/catalog.ts';
import { listTemplateProblems } from './support/templates.ts';

const mistakes = (rules: string, events = 'events: { paid: { properties: { k: string } } }') =>
  formatMistakes(
    new Map([
      ['events.yaml', events],
      ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
      ['rules.yaml', `rules:\n${rules}`],
    ]),
  );

describe('a character that cannot be seen is named', () => {
  test.each([
    ['a no-break space (U+00A0)', '\u00a0', 'write an ordinary space'],
    ['a zero-width space (U+200B)', '\u200b', 'delete it'],
    ['a byte order mark (U+FEFF)', '\ufeff', 'write an ordinary space'],
    ['a left-to-right mark (U+200E)', '\u200e', 'delete it'],
    ['a mark of the writing direction (U+202E)', '\u202e', 'delete it'],
    ['a mark of the writing direction (U+2066)', '\u2066', 'delete it'],
    ['a soft hyphen (U+00AD)', '\u00ad', 'delete it'],
    ['a narrow no-break space (U+202F)', '\u202f', 'write an ordinary space'],
    ['an ideographic space (U+3000)', '\u3000', 'write an ordinary space'],
    ['a word joiner (U+2060)', '\u2060', 'delete it'],
  ])('%s', async (name, character, hint) => {
    expect(await mistakes(`  N:\n    on: paid\n    when: event.k${character}== "x"\n`)).toEqual([
      `rules.yaml:4:18: "when" has ${name} here (${hint})`,
    ]);
    expect(compileCondition(`event.k${character}== "x"`, {})).toEqual({
      problems: [{ offset: 7, message: `the condition has ${name} here`, hint }],
    });
  });

  test('in the key of a rule, its name, and the names that it uses', async () => {
    expect(await mistakes('  N:\n    on: paid\n    lim\u200bit: once\n')).toEqual([
      'rules.yaml:4:8: the key "lim\u200bit" has a zero-width space (U+200B) (delete it)',
    ]);
    expect((await mistakes('  "N\u00a0": { on: paid, notify: N }\n')).join('\n')).toContain(
      'a no-break space (U+00A0)',
    );
    expect(await mistakes('  N: { on: "paid\u200b" }\n')).toEqual([
      'rules.yaml:2:17: "on" has a zero-width space (U+200B) here (delete it)',
    ]);
    expect(await mistakes('  N: { on: paid, limit: "1 per\u00a0day" }\n')).toEqual([
      'rules.yaml:2:31: "limit" has a no-break space (U+00A0) here (write an ordinary space)',
    ]);
  });

  test('in the names of events.yaml', async () => {
    const events = 'events: { "paid\u200b": { properties: { "k\u2060": string } } }';
    const found = (await mistakes('  N: { on: paid }\n', events)).join('\n');
    expect(found).toContain('a zero-width space (U+200B)');
    expect(found).toContain('a word joiner (U+2060)');
  });
});

test('a typographic quote is named where a straight one is needed', () => {
  expect(compileCondition('event.k == "open\u201d', {})).toMatchObject({
    problems: [{ hint: '\u201d (U+201D) is a typographic quote: write " or \'' }],
  });
  expect(compileCondition('event.k == \u00abopen\u00bb', {})).toMatchObject({
    problems: [{ offset: 11, hint: '\u00ab (U+00AB) is a typographic quote: write " or \'' }],
  });
});

test('in a field of a template', () => {
  const [problem] = listTemplateProblems({ text: 'Hello {{user.na\u200bme}}' }, 'sms');
  expect(problem).toMatchObject({ line: 1, column: 9, hint: 'delete it' });
  expect(problem?.message).toContain('a zero-width space (U+200B)');
});

test('a text between quotes may have any character, and a word its joiners', async () => {
  expect(await mistakes(`  N:\n    on: paid\n    when: 'event.k == "a\u00a0b \u2014 \u200b"'\n`)).toEqual([]);
  const events = 'events: { paid: { properties: { k: string, "می\u200cخواهم": string, "👩\u200d👩": string } } }';
  expect(await mistakes('  N: { on: paid }\n', events)).toEqual([]);
});
