import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { CatalogFiles } from '../src/catalog/catalog-files.ts';
import { compileRuleSet } from '../src/catalog/compile/compile-rule-set.ts';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { watchCatalog } from '../src/catalog/load/watch-catalog.ts';
import { loadValidCatalog, validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { parseAt } from '../src/catalog/parse/rules/at-expression.ts';
import { parseLimit } from '../src/catalog/parse/rules/limit-expression.ts';
import { parseRecurrence } from '../src/catalog/parse/rules/recurrence-expression.ts';
import { RULE_KEYS } from '../src/catalog/parse/rules/rules.ts';
import { compileSchemas } from '../src/catalog/schemas/validate-event.ts';
import { CatalogError, type CatalogProblem } from '../src/errors.ts';
import type { CatalogData } from '../src/model/catalog.ts';
import type { JsonObject } from '../src/model/event.ts';
import { parseDuration } from '../src/time/duration.ts';
import { runs } from './support/properties.ts';

const FINTECH = join(import.meta.dirname, '../examples/fintech');

/** A small valid catalog; each test changes one part of it. */
const RIGHT: { readonly [file: string]: string } = {
  'events.yaml': `traits:
  marketing_opt_in: boolean
events:
  signup_completed: {}
  payment_failed:
    properties: { amount: number, attempt_number: integer, failure_reason: string }
  payment_refused:
    properties: { amount: number, code: string }
`,
  'notifications.yaml': `notifications:
  WELCOME: { category: MARKETING, channels: [sms] }
  ALERT: { category: SECURITY, channels: [internal] }
`,
  'rules.yaml': `rules:
  WELCOME:
    on: signup_completed
    limit: once
`,
  'templates/WELCOME/sms.en.txt': 'Hello {{traits.first_name}}\n',
};

function withFiles(files: { readonly [file: string]: string | null }): CatalogFiles {
  const source = new Map(Object.entries(RIGHT));
  for (const [file, text] of Object.entries(files)) {
    if (text === null) source.delete(file);
    else source.set(file, text);
  }
  return source;
}

async function problemsOf(source: CatalogFiles): Promise<readonly CatalogProblem[]> {
  try {
    await validateCatalogFiles(source);
    return [];
  } catch (error) {
    if (error instanceof CatalogError) return error.problems;
    throw error;
  }
}

async function told(files: { readonly [file: string]: string | null }): Promise<string[]> {
  const problems = await problemsOf(withFiles(files));
  return problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}${p.hint ? ` (${p.hint})` : ''}`);
}

const rule = (lines: string) => ({
  'rules.yaml': `rules:\n  WELCOME:\n    on: payment_failed\n    ${lines}\n`,
});
const property = (line: string) => ({
  'events.yaml': `${RIGHT['events.yaml']}  x:\n    properties:\n      ${line}\n`,
});

describe('reports a mistake with its place and what was meant', () => {
  const FIELDS = 'event has no field "atempt_number": it has amount, attempt_number, failure_reason';
  const rows: [string, { readonly [file: string]: string | null }, ...string[]][] = [
    ['key', rule('whn: true'), 'rules.yaml:4:5: unknown key "whn" in WELCOME (did you mean when?)'],
    ['plural key', rule('limits: once'), 'rules.yaml:4:5: unknown key "limits" in WELCOME (did you mean limit?)'],
    [
      'a key that does not exist',
      rule('colour: red'),
      'rules.yaml:4:5: unknown key "colour" in WELCOME (use one of: on, when, after, count, unless, key, delay, at, if_past, if_missing, recheck, cancel_on and 16 more)',
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
        'events.yaml': `${RIGHT['events.yaml']}  x:\n    schema:\n      $defs: { a: { properties: { b: { $ref: '#/$defs/a' } } } }\n`,
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
      { 'events.yaml': `${RIGHT['events.yaml']}  x: { properties: { amount: number }, required: [amuont] }\n` },
      'events.yaml:9:51: "required" names "amuont", which is not a property (did you mean amount?)',
    ],
    [
      'properties forgotten',
      { 'events.yaml': `${RIGHT['events.yaml']}  x: { amount: number }\n` },
      'events.yaml:9:8: unknown key "amount" in x (use one of: description, properties, required, schema)',
    ],
    [
      'a hostile name',
      { 'events.yaml': `${RIGHT['events.yaml']}  __proto__: {}\n` },
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
        'notifications.yaml': `${RIGHT['notifications.yaml']}  X: { category: SYSTEM, channels: [internal, webhook, email] }\n`,
      },
      'notifications.yaml:4:56: X has no email template in "en" (write templates/X/email.en.subject.txt and templates/X/email.en.html)',
    ],
    [
      'in_doubt and give_up_after',
      {
        'notifications.yaml': `${RIGHT['notifications.yaml']}  X: { category: SYSTEM, channels: internal, in_doubt: retry, give_up_after: 1.5h }\n`,
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
      { 'rules.yaml': `${RIGHT['rules.yaml']}---\nrules:\n` },
      'rules.yaml:5:1: the file has a second YAML document (remove the line ---)',
    ],
  ];

  it.each(rows)('%s', async (_name, files, ...expected) => {
    expect(await told(files)).toEqual(expected);
  });

  it('reports a mistake in a template at its line and column', async () => {
    const [problem] = await problemsOf(withFiles({ 'templates/WELCOME/sms.en.txt': 'Hello\n  {{uper traits.name}}' }));
    expect(problem).toMatchObject({ file: 'templates/WELCOME/sms.en.txt', line: 2, column: 3 });
    expect(problem?.hint).toContain('upper');
  });

  it('reports all mistakes at once, ordered by file and place', async () => {
    const files = {
      ...rule('limit: hourly\n    whn: x'),
      'templates/X/sms.en.txt': 'x',
      'events.yaml': `${RIGHT['events.yaml']}  y: { propertys: {} }\n`,
    };
    expect((await problemsOf(withFiles(files))).map(({ file, line }) => `${file}:${line}`)).toEqual([
      'events.yaml:9',
      'rules.yaml:4',
      'rules.yaml:5',
      'templates/X/sms.en.txt:1',
    ]);
  });

  it('reports no mistakes that follow from a file that cannot be parsed', async () => {
    expect(await told({ 'events.yaml': 'events: [' })).toHaveLength(1);
    expect(await told({ 'notifications.yaml': 'a: b: c' })).toHaveLength(1);
  });
});

describe('limits and durations', () => {
  it.each([
    ['once', 1, { kind: 'ever' }, 'once'],
    ['  Once ever ', 1, { kind: 'ever' }, 'once'],
    ['3 ever', 3, { kind: 'ever' }, '3 ever'],
    ['1 per day', 1, { kind: 'day', zone: 'UTC' }, '1 per day'],
    ['once per day in utc', 1, { kind: 'day', zone: 'UTC' }, '1 per day'],
    ["2 per calendar day in the user's zone", 2, { kind: 'day', zone: 'user' }, '2 per day in user zone'],
    ['2 per day in europe/lisbon', 2, { kind: 'day', zone: 'Europe/Lisbon' }, '2 per day in Europe/Lisbon'],
    ['1 per day in Asia/Kolkata', 1, { kind: 'day', zone: 'Asia/Kolkata' }, '1 per day in Asia/Kolkata'],
    ['1 per 1d', 1, { kind: 'rolling', span: 86_400_000 }, '1 per 1d'],
    ['5 per 7d', 5, { kind: 'rolling', span: 604_800_000 }, '5 per 7d'],
    ['1000 per 1h30m', 1000, { kind: 'rolling', span: 5_400_000 }, '1000 per 1h30m'],
  ])('%s', (written, max, period, text) => {
    expect(parseLimit(written)).toEqual({ limit: { max, period, text } });
    expect(parseLimit(`${written}  per person`)).toEqual({
      limit: { max, period, text: `${text} per person`, perUser: true },
    });
  });

  it.each([
    ['0 per day', 'use a number from 1 to 1000'],
    ['1001 per day', 'use a number from 1 to 1000'],
    ['1/day', 'write 1 per day'],
    ['5 times per hour', 'write 5 per 1h'],
    ['3 per week', 'write 3 per 7d'],
    ['3 per week per person', 'write 3 per 7d per person'],
    ['1 per 24 hours', 'write 1 per 24h'],
    ['1 per day in Lisbon', 'write user zone, UTC or an IANA name like Europe/Lisbon'],
    ['1 per day in Europe/Lisbonn', 'did you mean Europe/Lisbon?'],
    ['1 per day in +01:00', 'write user zone, UTC or an IANA name like Europe/Lisbon'],
    [
      '',
      'use one of: once, 3 ever, 1 per day, 1 per day in user zone, 2 per day in Europe/Lisbon, 3 per 24h, 3 per day per person',
    ],
  ])('rejects %j with a hint', (written, hint) => {
    expect(parseLimit(written)).toMatchObject({ hint });
  });

  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1w2d3h4m5s', 788_645_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(` ${text} `)).toEqual({ ms, text });
  });

  it.each(['', '0s', '5', '-1h', '1h1h', '30m1h', '1.5h', '1 h', '1H', '9999999d', 'h', '1e3s', '9'.repeat(400)])(
    'rejects %j',
    (text) => {
      expect(parseDuration(text)).toHaveProperty('hint');
    },
  );

  it('parses the normalized text into the same limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 3650 }), (max, days) => {
        const first = parseLimit(`${max} per ${days}d`);
        expect('limit' in first && parseLimit(first.limit.text)).toEqual(first);
      }),
    );
  });
});

describe('the fintech example', () => {
  let data: CatalogData;
  beforeAll(async () => {
    data = await loadValidCatalog(FINTECH);
  });

  it('has the four rules and their limits', () => {
    const unsaid = {
      zone: 'UTC',
      after: [],
      ifPast: 'skip',
      ifMissing: 'skip',
      recheck: true,
      cancelOn: [],
      again: 'beside',
      limits: [],
      actions: [],
    };
    expect(data.groups).toEqual([]);
    expect(data.rules).toEqual([
      {
        ...unsaid,
        name: 'WELCOME_EMAIL',
        on: ['signup_completed'],
        when: 'traits.marketing_opt_in == true',
        limits: [{ max: 1, period: { kind: 'ever' }, text: 'once' }],
        notify: ['WELCOME_EMAIL'],
      },
      {
        ...unsaid,
        name: 'BANK_LINK_NUDGE_SMS',
        on: ['link_bank_success'],
        after: [{ event: 'signup_completed', within: 86_400_000, withinText: '24h' }],
        limits: [{ max: 1, period: { kind: 'ever' }, text: 'once' }],
        notify: ['BANK_LINK_NUDGE_SMS'],
      },
      {
        ...unsaid,
        name: 'INSUFFICIENT_FUNDS_EMAIL',
        on: ['payment_failed'],
        when: 'event.failure_reason == "INSUFFICIENT_FUNDS"',
        limits: [{ max: 1, period: { kind: 'day', zone: 'UTC' }, text: '1 per day' }],
        notify: ['INSUFFICIENT_FUNDS_EMAIL'],
      },
      {
        ...unsaid,
        name: 'HIGH_RISK_ALERT',
        on: ['payment_failed'],
        when: 'event.attempt_number >= 3',
        notify: ['HIGH_RISK_ALERT'],
      },
    ]);
    expect(data.notifications.map(({ name, channels }) => [name, ...channels])).toEqual([
      ['WELCOME_EMAIL', 'email'],
      ['BANK_LINK_NUDGE_SMS', 'sms'],
      ['INSUFFICIENT_FUNDS_EMAIL', 'email'],
      ['HIGH_RISK_ALERT', 'internal'],
    ]);
    expect(data.templates.map(({ notificationType, parts }) => [notificationType, ...Object.keys(parts)])).toEqual([
      ['BANK_LINK_NUDGE_SMS', 'text'],
      ['HIGH_RISK_ALERT', 'text'],
      ['INSUFFICIENT_FUNDS_EMAIL', 'html', 'subject', 'text'],
      ['WELCOME_EMAIL', 'html', 'subject', 'text'],
    ]);
  });

  it('is plain data, independent of the order of files and of line ends', async () => {
    const windows = new Map(
      [...(await loadCatalogFiles(FINTECH))].map(([file, text]) => [file, text.replace(/\n/g, '\r\n')]),
    );
    const reversed = new Map([...windows].reverse());
    expect(JSON.stringify(await validateCatalogFiles(reversed))).toBe(JSON.stringify(data));
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  });

  it('declares every property and trait of the README requests, requires none and allows more', () => {
    const check = compileSchemas(data);
    const types: [string, JsonObject][] = [
      ['signup_completed', { signup_method: 'email', referral_source: 'google_ads', device_type: 'mobile' }],
      ['link_bank_success', { bank_name: 'Santander', verification_method: 'open_banking', account_type: 'checking' }],
      [
        'payment_initiated',
        { amount: 1425, currency: 'EUR', payment_method: 'bank_transfer', recipient_id: 'merch_998' },
      ],
      ['payment_failed', { amount: 1425.5, attempt_number: 2, failure_reason: 'INSUFFICIENT_FUNDS' }],
    ];
    const traits = { email: 'maria@example.com', country: 'PT', marketing_opt_in: true, risk_segment: 'NEW' };
    for (const [type, properties] of types) {
      expect(check(type, properties, traits)).toBeNull();
      expect(check(type, {}, {})).toBeNull();
      expect(check(type, { ...properties, more: [1] }, { ...traits, more: null })).toBeNull();
      for (const [key, value] of Object.entries(properties)) {
        const wrong = typeof value === 'string' ? 7 : String(value);
        expect(check(type, { ...properties, [key]: wrong }, traits)?.path).toBe(`properties.${key}`);
      }
    }
    for (const [key, value] of Object.entries(traits)) {
      const wrong = typeof value === 'string' ? true : String(value);
      expect(check('never_heard_of', {}, { ...traits, [key]: wrong })?.path).toBe(`user_traits.${key}`);
    }
  });
});

describe('an event that violates its schema', () => {
  let check: ReturnType<typeof compileSchemas>;
  beforeAll(async () => {
    const data = await validateCatalogFiles(
      withFiles({
        'events.yaml': `${RIGHT['events.yaml']}
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
    check = compileSchemas(data);
  });

  it.each<[JsonObject, string, string]>([
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
      const misfit = check('order', { id: 'x', items: [{ [address]: 1 }] }, {});
      expect(misfit?.path).toBe('properties.items[0].…');
    }
    expect(check('order', { id: 'x', count: 'a'.repeat(9999) }, {})?.message.length).toBeLessThan(90);
  });

  it('is found in linear time, whatever the pattern', () => {
    expect(check('order', { id: 'x', code: `${'a'.repeat(9999)}!` }, {})?.path).toBe('properties.code');
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (type, json) => {
        const properties = json as JsonObject;
        for (const name of ['order', type]) {
          const misfit = check(name, { id: 'x', ...properties }, properties);
          if (misfit) expect(misfit.path).toMatch(/^(properties|user_traits)/);
        }
      }),
    );
  });
});

describe('docs/rules.md', () => {
  const base = new Map([
    ['templates/WELCOME/email.en.subject.txt', 'Welcome'],
    ['templates/WELCOME/email.en.txt', 'Hello'],
    ['templates/RISK_ALERT/sms.en.txt', 'Look'],
    ['templates/REMINDER/push.en.txt', 'Soon'],
  ]);
  let page = '';
  beforeAll(async () => {
    page = await readFile(join(import.meta.dirname, '../docs/rules.md'), 'utf8');
    for (const text of blocks('events').concat(blocks('notifications')))
      base.set(`${text.split(':', 1)[0]}.yaml`, text);
  });
  const blocks = (key: string) =>
    [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]!).filter((text) => text.startsWith(`${key}:`));

  it('shows only valid catalogs', async () => {
    expect(blocks('rules').length).toBeGreaterThan(15);
    for (const rules of blocks('rules')) {
      const { data, problems } = await lintCatalog(await parseCatalogFiles(new Map([...base, ['rules.yaml', rules]])));
      expect(problems.filter(({ code }) => !/^unused_(event|notification)$/.test(code))).toEqual([]);
      compileRuleSet(1, data!);
    }
  });

  it('shows points in time and schedules that the parsers accept', () => {
    const table = page.slice(page.indexOf('| `at` | waits for |'), page.indexOf('- Times of day are in the'));
    const points = [...table.matchAll(/^\| `(.+?)` \|/gm)].map((match) => match[1]!).slice(1);
    expect(points.length).toBe(5);
    for (const text of points) expect(parseAt(text)).toMatchObject({ at: { text } });
    const [, list] = /It can be (.+?)\(minute/s.exec(page)!;
    const times = [...list!.matchAll(/`(.+?)`/g)].map((match) => match[1]!);
    expect(times.length).toBe(7);
    for (const text of times) expect(parseRecurrence(text)).toMatchObject({ recurrence: { text } });
  });

  it('names every key of a rule', async () => {
    const written = new Set(
      blocks('rules').flatMap((text) => [...text.matchAll(/(?<=^|[{,] ?)\s*(\w+): /gm)].map((match) => match[1]!)),
    );
    const shown = (key: string) => written.has(key) || page.includes(`\`${key}\``) || page.includes(`\`${key}: `);
    expect(RULE_KEYS.filter((key) => !shown(key))).toEqual([]);
  });

  it('shows mistakes as they are reported', async () => {
    const rows = [...page.matchAll(/^\| `(.+)` \| `(rules\.yaml:.+)` \|$/gm)];
    expect(rows.length).toBeGreaterThan(5);
    for (const [, written, expected] of rows) {
      const source = new Map([...base, ['rules.yaml', `rules:\n  WELCOME:\n    on: payment_failed\n    ${written}\n`]]);
      const error = await validateCatalogFiles(source).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CatalogError);
      expect((error as CatalogError).message).toBe(expected);
    }
  });

  it('shows only valid limits', () => {
    const table = page.slice(page.indexOf('| limit | means |'), page.indexOf('The day is that of the event'));
    const limits = [...table.matchAll(/`(.+?)`/g)].map((match) => match[1]!).filter((text) => text !== 'time_zone');
    expect(limits.length).toBeGreaterThan(5);
    for (const text of limits) expect(parseLimit(text)).toMatchObject({ limit: { text } });
  });
});

describe('schemas', () => {
  it('keeps a full JSON Schema, and expands short types in it', async () => {
    const data = await validateCatalogFiles(
      withFiles({
        'events.yaml': `${RIGHT['events.yaml']}
  order:
    schema:
      required: [lines]
      properties: { lines: { type: array, items: { $ref: '#/$defs/line' } } }
      additionalProperties: false
      $defs: { line: { type: object, properties: { price: number } } }
`,
      }),
    );
    expect(data.events.find(({ name }) => name === 'order')?.properties).toEqual({
      required: ['lines'],
      properties: { lines: { type: 'array', items: { $ref: '#/$defs/line' } } },
      additionalProperties: false,
      $defs: { line: { type: 'object', properties: { price: { type: 'number' } } } },
    });
    const check = compileSchemas(data);
    expect(check('order', { lines: [{ price: '1' }] }, {})?.path).toBe('properties.lines[0].price');
    expect(check('order', { lines: [], linse: 1 }, {})).toEqual({
      path: 'properties.linse',
      message: 'is not a key that is allowed here; did you mean lines?',
    });
  });

  it('the short form allows other keys and requires nothing', async () => {
    const data = await validateCatalogFiles(withFiles({}));
    expect(data.traits).toEqual({ type: 'object', properties: { marketing_opt_in: { type: 'boolean' } } });
    expect(data.events[0]).toEqual({ name: 'signup_completed' });
  });
});

describe('with any content of the files', () => {
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

  it('any text gives a catalog or a CatalogError', async () => {
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
        for (const problem of await problemsOf(withFiles({ [file]: written }))) expectPlace(problem);
      }),
      runs(400),
    );
  });

  it('any YAML gives a catalog or a CatalogError', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, tree, async (events, notifications, rules) => {
        const files = {
          'events.yaml': stringify({ events, traits: events }),
          'notifications.yaml': stringify({ notifications }),
          'rules.yaml': stringify({ rules }),
        };
        for (const problem of await problemsOf(withFiles(files))) expectPlace(problem);
      }),
      runs(300),
    );
  });

  it('any path gives a catalog or a CatalogError', async () => {
    const path = fc.array(
      fc.constantFrom('templates', '/', 'WELCOME', 'sms', '.', 'en', 'txt', '..', 'rules', 'yaml', ' '),
    );
    await fc.assert(
      fc.asyncProperty(path, async (parts) => {
        for (const problem of await problemsOf(withFiles({ [parts.join('')]: 'x' }))) expectPlace(problem);
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
  ])('%s: parsing ends soon', async (_name, text) => {
    const problems = await problemsOf(withFiles({ 'rules.yaml': text }));
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expectPlace(problem);
  });

  it('rejects schemas that grow too large when each $ref is expanded', async () => {
    const levels = Array.from({ length: 40 }, (_, i) => {
      const next = `'#/$defs/d${i + 1}'`;
      return `        d${i}: { allOf: [{ $ref: ${next} }, { $ref: ${next} }] }`;
    });
    const schema = `    schema:\n      $ref: '#/$defs/d0'\n      $defs:\n${levels.join('\n')}\n        d40: {}\n`;
    expect((await told({ 'events.yaml': `${RIGHT['events.yaml']}  x:\n${schema}` }))[0]).toContain('too large');
  });

  function expectPlace(problem: CatalogProblem): void {
    expect(problem.line).toBeGreaterThan(0);
    expect(problem.column).toBeGreaterThan(0);
    expect(problem.message).not.toMatch(/undefined|\[object|cannot be read as YAML/);
  }
});

describe('a folder', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tidings-catalog-'));
    await mkdir(join(dir, 'templates/WELCOME'), { recursive: true });
    for (const [file, text] of Object.entries(RIGHT)) await writeFile(join(dir, file), text);
    for (const file of ['.hidden.yaml', 'README.md', 'notes.txt', 'templates/WELCOME/sms.en.txt~', 'cases.yaml']) {
      await writeFile(join(dir, file), '[');
    }
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('is loaded without files that are not part of the catalog', async () => {
    const source = await loadCatalogFiles(dir);
    expect([...source.keys()]).toEqual([...Object.keys(RIGHT), 'cases.yaml'].sort());
    await expect(validateCatalogFiles(source)).resolves.toMatchObject({ rules: [{ name: 'WELCOME' }] });
  });

  it('reports a path that does not exist or is not a folder', async () => {
    await expect(loadCatalogFiles(join(dir, 'nowhere'))).rejects.toThrow(CatalogError);
    await expect(loadCatalogFiles(join(dir, 'README.md'))).rejects.toThrow(CatalogError);
  });

  it('reports a file that is not UTF-8', async () => {
    const file = join(dir, 'templates/WELCOME/sms.pt.txt');
    await writeFile(file, Buffer.from([0xff, 0xfe, 0x41]));
    await expect(loadCatalogFiles(dir)).rejects.toThrow('templates/WELCOME/sms.pt.txt:1:1: the file is not UTF-8');
    await rm(file);
  });

  it('is watched: reports a change after a quiet time, passes errors to onError, and stops', async () => {
    const changes = signals();
    const errors = signals();
    let broken = false;
    const stop = await watchCatalog(
      dir,
      () => {
        changes.give();
        if (broken) throw new Error('broken edit');
      },
      { quiet: 20, onError: () => errors.give() },
    );
    const first = changes.next();
    await writeFile(join(dir, 'rules.yaml'), `${RIGHT['rules.yaml']}    expires: 2d\n`);
    await first;
    expect((await loadValidCatalog(dir)).rules[0]?.expires).toBe(172_800_000);

    broken = true;
    const failed = errors.next();
    await writeFile(join(dir, 'templates/WELCOME/sms.en-GB.txt'), 'Hello');
    await failed;

    await stop();
    const count = changes.count;
    await writeFile(join(dir, 'rules.yaml'), RIGHT['rules.yaml']!);
    await loadCatalogFiles(dir);
    expect(changes.count).toBe(count);
  });
});

function signals() {
  let count = 0;
  let wake: (() => void) | undefined;
  return {
    get count() {
      return count;
    },
    give() {
      count++;
      wake?.();
    },
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}
