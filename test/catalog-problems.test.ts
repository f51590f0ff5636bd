import { describe, expect, it } from 'vitest';
import { changeSmallCatalog, formatMistakes, listMistakes, SMALL_CATALOG } from './support/catalog.ts';

const rule = (lines: string) => ({
  'rules.yaml': `rules:\n  WELCOME:\n    on: payment_failed\n    ${lines}\n`,
});

const property = (line: string) => ({
  'events.yaml': `${SMALL_CATALOG['events.yaml']}  x:\n    properties:\n      ${line}\n`,
});

describe('reports a mistake in a catalog with its place and a hint', () => {
  const FIELDS = 'event has no field "atempt_number": it has amount, attempt_number, failure_reason';
  const rows: [string, { readonly [file: string]: string | null }, ...string[]][] = [
    ['key', rule('whn: true'), 'rules.yaml:4:5: unknown key "whn" in WELCOME (did you mean when?)'],
    ['plural key', rule('limits: once'), 'rules.yaml:4:5: unknown key "limits" in WELCOME (did you mean limit?)'],
    [
      'a key that does not exist',
      rule('hue: red'),
      'rules.yaml:4:5: unknown key "hue" in WELCOME (use one of: on, when, after, count, unless, key, delay, at, if_past, if_missing, recheck, cancel_on and 17 more)',
    ],
    ['repeated key', rule('on: payment_failed'), 'rules.yaml:4:5: "on" appears twice (remove or rename one)'],
    ['tab', rule('\twhen: "true"'), 'rules.yaml:4:5: Tabs are not allowed as indentation (indent with spaces)'],
    [
      'indentation',
      rule('limit: once\n   expires: 2d'),
      'rules.yaml:5:1: All mapping items must start at the same column (start all keys of one level in the same column)',
    ],
    [
      'colon without quotes',
      rule('when: event.failure_reason == "a: b"'),
      'rules.yaml:4:11: Nested mappings are not allowed in compact mappings (put quotes around a text that contains a colon followed by a space)',
    ],
    [
      'a condition that begins with !',
      rule('when: !has(event.amount)'),
      'rules.yaml:4:11: Unresolved tag: !has(event.amount) (put quotes around a value that begins with !)',
    ],
    [
      'a condition that begins with a quote',
      rule('when: "x" == event.failure_reason'),
      'rules.yaml:4:15: Unexpected scalar at node end (put quotes around the whole of a text that begins with a quote, a bracket or a sign)',
    ],
    [
      'a bracket that is not closed',
      rule('notify: [WELCOME'),
      'rules.yaml:5:1: Flow sequence in block collection must be sufficiently indented and end with a ] (look for a quote or bracket that is not closed, or a colon that is missing)',
    ],
    [
      'an alias without an anchor',
      rule('notify: *all'),
      'rules.yaml:4:13: there is no anchor &all before this (put quotes around a text that begins with * or &)',
      'rules.yaml:4:13: "notify" is empty (notify: WELCOME_EMAIL)',
    ],
    [
      'an unknown trigger',
      { 'rules.yaml': 'rules:\n  WELCOME:\n    on: [signup_complete, payment_failed]\n' },
      'rules.yaml:3:10: no event is called "signup_complete" (did you mean signup_completed?)',
    ],
    [
      'no trigger',
      { 'rules.yaml': 'rules:\n  WELCOME:\n    limit: once\n' },
      'rules.yaml:2:3: WELCOME has no trigger (on: signup_completed; or every: monday 09:00 to act without an event)',
    ],
    [
      'a rule without a notification',
      { 'rules.yaml': 'rules:\n  WELCOM:\n    on: payment_failed\n' },
      'rules.yaml:2:3: no notification is called WELCOM, and the rule has no "notify" (did you mean WELCOME?)',
    ],
    ['notify', rule('notify: ALRET'), 'rules.yaml:4:13: no notification is called "ALRET" (did you mean ALERT?)'],
    [
      'after as text',
      rule('after: signup_completed'),
      'rules.yaml:4:12: "after" must be a mapping, not text (after: { event: signup_completed, within: 24h })',
    ],
    [
      'after with two mistakes',
      rule('after: { event: signup, within: 24 }'),
      'rules.yaml:4:21: no event is called "signup" (did you mean signup_completed?)',
      'rules.yaml:4:37: "24" is not a duration (the unit is missing: 24s, 24m, 24h or 24d?)',
    ],
    ['expires', rule('expires: 2 days'), 'rules.yaml:4:14: "2 days" is not a duration (write 2d)'],
    ['limit', rule('limit: daily'), 'rules.yaml:4:12: "daily" is not a limit (write 1 per day)'],
    [
      'limits of one period',
      rule('limit: [1 per 24h, once, 3 per 1d]'),
      'rules.yaml:4:30: "1 per 24h" and "3 per 1d" are limits of the same period (keep the stricter one)',
    ],
    ['condition', rule('when: event.atempt_number > 3'), `rules.yaml:4:17: ${FIELDS} (did you mean attempt_number?)`],
    [
      'condition in double quotes',
      rule('when: "\\x22a\\" == event.failure_reason && event.atempt_number > 3"'),
      `rules.yaml:4:53: ${FIELDS} (did you mean attempt_number?)`,
    ],
    [
      'condition in single quotes',
      rule("when: 'event.failure_reason == ''a'' && event.atempt_number > 3'"),
      `rules.yaml:4:51: ${FIELDS} (did you mean attempt_number?)`,
    ],
    [
      'condition in a folded block',
      rule('when: >-\n      event.amount > 3 &&\n      event.atempt_number > 3'),
      `rules.yaml:6:13: ${FIELDS} (did you mean attempt_number?)`,
    ],
    [
      'condition in a literal block',
      rule('when: |\n      event.amount > 3 &&\n        event.atempt_number > 3'),
      `rules.yaml:6:15: ${FIELDS} (did you mean attempt_number?)`,
    ],
    [
      'condition over two lines',
      rule('when: event.amount > 3 &&\n        event.atempt_number > 3'),
      `rules.yaml:5:15: ${FIELDS} (did you mean attempt_number?)`,
    ],
    [
      'condition cut by a comment',
      rule('when: event.failure_reason == "a #1"'),
      'rules.yaml:4:35: unterminated string (a # after a space begins a comment: put the whole condition in quotes)',
    ],
    [
      'condition that fits one trigger of two',
      {
        'rules.yaml':
          'rules:\n  WELCOME:\n    on: [payment_failed, payment_refused]\n    when: event.attempt_number > 1 && event.amount > 2\n',
      },
      'rules.yaml:4:17: for payment_refused: event has no field "attempt_number": it has amount, code',
    ],
    [
      'an unknown type',
      property('a: money'),
      'events.yaml:11:10: unknown type "money" (use one of: string, number, integer, boolean, object, array, timestamp, date)',
    ],
    ['a type by another name', property('a: int'), 'events.yaml:11:10: unknown type "int" (did you mean integer?)'],
    [
      'a question mark',
      property('a: string?'),
      `events.yaml:11:10: unknown type "string?" (properties are optional already: write string, or { type: [string, 'null'] } to allow null)`,
    ],
    [
      'a list for a type',
      property('a: [A, B]'),
      'events.yaml:11:10: this must be a type, not a list (to allow certain values only: { enum: [A, B] })',
    ],
    [
      'JSON Schema: type',
      property('a: { type: numbr }'),
      'events.yaml:11:18: unknown type "numbr" (did you mean number?)',
    ],
    ['JSON Schema: value', property('a: { minimum: x }'), 'events.yaml:11:21: "minimum" must be number'],
    [
      'JSON Schema: keyword',
      property('a: { type: string, maxLenght: 3 }'),
      'events.yaml:11:26: "maxLenght" is not a supported JSON Schema keyword (did you mean maxLength?)',
    ],
    [
      'JSON Schema: pattern that is slow',
      property('a: { pattern: "^(.?){1000}.*$" }'),
      'events.yaml:11:21: the pattern cannot be used: the pattern is too large; write it with fewer repetitions (use RE2 syntax, without look-ahead and back-references)',
    ],
    [
      'JSON Schema: pattern that can hang',
      property('a: { pattern: "(?=a)" }'),
      'events.yaml:11:21: the pattern cannot be used: invalid or unsupported Perl syntax: `(?=` (use RE2 syntax, without look-ahead and back-references)',
    ],
    [
      'JSON Schema: a reference to another document',
      property('a: { $ref: "https://example.com/schema.json" }'),
      "events.yaml:11:18: a $ref must point into the same schema (write $ref: '#/$defs/NAME')",
    ],
    [
      'JSON Schema: format',
      property('a: { format: datetime }'),
      'events.yaml:11:20: unknown format "datetime" (did you mean date-time?)',
    ],
    [
      'JSON Schema: contains itself',
      {
        'events.yaml': `${SMALL_CATALOG['events.yaml']}  x:\n    schema:\n      $defs: { a: { properties: { b: { $ref: '#/$defs/a' } } } }\n`,
      },
      'events.yaml:11:46: the schema is too large, or a $ref in it leads back to itself (at most 5000 values are allowed after each $ref is expanded)',
    ],
    [
      'JSON Schema: slow',
      property('a: { type: array, uniqueItems: true }'),
      'events.yaml:11:25: "uniqueItems" needs items of a plain type (items: string)',
    ],
    [
      'required',
      { 'events.yaml': `${SMALL_CATALOG['events.yaml']}  x: { properties: { amount: number }, required: [amuont] }\n` },
      'events.yaml:9:51: "required" names "amuont", which is not a property (did you mean amount?)',
    ],
    [
      'properties forgotten',
      { 'events.yaml': `${SMALL_CATALOG['events.yaml']}  x: { amount: number }\n` },
      'events.yaml:9:8: unknown key "amount" in x (use one of: description, properties, required, schema, mapping)',
    ],
    [
      'a hostile name',
      { 'events.yaml': `${SMALL_CATALOG['events.yaml']}  __proto__: {}\n` },
      'events.yaml:9:3: a key cannot be called "__proto__" (choose another name)',
    ],
    [
      'category and channel',
      {
        'notifications.yaml': 'notifications:\n  WELCOME: { category: Marketing, channels: [sns] }\n',
        'rules.yaml': 'rules:\n',
      },
      'notifications.yaml:2:24: "Marketing" is not a category (did you mean MARKETING?)',
      'notifications.yaml:2:46: "sns" is not a channel (did you mean sms?)',
    ],
    [
      'no template',
      {
        'notifications.yaml': `${SMALL_CATALOG['notifications.yaml']}  X: { category: SYSTEM, channels: [internal, webhook, email] }\n`,
      },
      'notifications.yaml:4:56: X has no email template in "en" (write templates/X/email.en.subject.txt and templates/X/email.en.html)',
    ],
    [
      'in_doubt and give_up_after',
      {
        'notifications.yaml': `${SMALL_CATALOG['notifications.yaml']}  X: { category: SYSTEM, channels: internal, in_doubt: retry, give_up_after: 1.5h }\n`,
      },
      'notifications.yaml:4:56: "retry" is not a value of "in_doubt" (use one of: resend, hold)',
      'notifications.yaml:4:78: "1.5h" is not a duration (a number and a unit (s, m, h, d, w): 30s, 10m, 24h, 7d, 1h30m)',
    ],
    [
      'a template of an unknown notification',
      { 'templates/WELCOM/sms.en.txt': 'x' },
      'templates/WELCOM/sms.en.txt:1:1: no notification is called "WELCOM" (did you mean WELCOME?)',
    ],
    [
      'a template of an unused channel',
      { 'templates/WELCOME/push.en.txt': 'x' },
      'templates/WELCOME/push.en.txt:1:1: WELCOME is not sent by push (its channels: sms)',
    ],
    [
      'template names',
      {
        'templates/WELCOME/sms.en_GB.txt': 'x',
        'templates/WELCOME/sms.en.html': 'x',
        'templates/WELCOME/smss.en.txt': 'x',
      },
      'templates/WELCOME/sms.en.html:1:1: "sms.en.html" is not a part of sms (did you mean sms.en.txt?)',
      'templates/WELCOME/sms.en_GB.txt:1:1: "en_GB" is not a locale (rename it to sms.en-GB.txt)',
      'templates/WELCOME/smss.en.txt:1:1: "smss" is not a channel (did you mean sms?)',
    ],
    [
      'empty template',
      { 'templates/WELCOME/sms.en.txt': ' \n' },
      'templates/WELCOME/sms.en.txt:1:1: the template is empty',
    ],
    [
      'a missing file',
      { 'rules.yaml': null },
      'rules.yaml:1:1: this file is missing (rules: { WELCOME_EMAIL: { on: signup_completed, limit: once } })',
    ],
    [
      'a misspelled file name',
      { 'rule.yaml': 'rules:' },
      'rule.yaml:1:1: unknown file name (did you mean rules.yaml?)',
    ],
    [
      'a file with two extensions',
      { 'rules.yml': 'rules:' },
      'rules.yml:1:1: rules.yaml exists as well (keep one of them)',
    ],
    [
      'an empty file',
      { 'rules.yaml': '# nothing\n' },
      'rules.yaml:1:1: rules.yaml has no "rules" (rules: { WELCOME_EMAIL: { on: signup_completed, limit: once } })',
    ],
    [
      'two documents',
      { 'rules.yaml': `${SMALL_CATALOG['rules.yaml']}---\nrules:\n` },
      'rules.yaml:5:1: the file has a second YAML document (remove the line ---)',
    ],
  ];

  it.each(rows)('%s', async (_name, files, ...expected) => {
    expect(await formatMistakes(changeSmallCatalog(files))).toEqual(expected);
  });

  it('reports a mistake in a template at its line and column', async () => {
    const [problem] = await listMistakes(
      changeSmallCatalog({ 'templates/WELCOME/sms.en.txt': 'Hello\n  {{uper traits.name}}' }),
    );
    expect(problem).toMatchObject({ file: 'templates/WELCOME/sms.en.txt', line: 2, column: 3 });
    expect(problem?.hint).toContain('upper');
  });

  it('reports all mistakes at once, ordered by file and place', async () => {
    const files = {
      ...rule('limit: hourly\n    whn: x'),
      'templates/X/sms.en.txt': 'x',
      'events.yaml': `${SMALL_CATALOG['events.yaml']}  y: { propertys: {} }\n`,
    };
    expect((await listMistakes(changeSmallCatalog(files))).map(({ file, line }) => `${file}:${line}`)).toEqual([
      'events.yaml:9',
      'rules.yaml:4',
      'rules.yaml:5',
      'templates/X/sms.en.txt:1',
    ]);
  });

  it('reports no mistakes that follow from a file that cannot be parsed', async () => {
    expect(await formatMistakes(changeSmallCatalog({ 'events.yaml': 'events: [' }))).toHaveLength(1);
    expect(await formatMistakes(changeSmallCatalog({ 'notifications.yaml': 'a: b: c' }))).toHaveLength(1);
  });
});
