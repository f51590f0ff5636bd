import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileTemplate, renderMessage } from '../src/templates/template.ts';
import { checkVariables } from '../src/templates/variables.ts';
import { parseCatalog } from './support/catalog.ts';
import { deliveryCatalog, useDeliveries } from './support/deliveries.ts';
import { runs } from './support/properties.ts';
import { fakeProvider } from './support/providers.ts';
import { listTemplateProblems } from './support/templates.ts';

/** Declared variables of a notification: who fills them, what happens without one, and what the checker says. */

const DECLARED =
  'variables: { amount: { type: number, required: true }, note: { default: none }, due: date, app_name: { default: Bank } }';

function catalogWith(rule: string, text: string, more: { readonly [file: string]: string } = {}) {
  const files = deliveryCatalog({ 'templates/TEXT/sms.en.txt': text, ...more });
  files.set('notifications.yaml', files.get('notifications.yaml')!.replace('TEXT: { ', `TEXT: { ${DECLARED}, `));
  files.set('rules.yaml', files.get('rules.yaml')!.replace('TEXT: { on: text }', `TEXT: { on: text, ${rule} }`));
  return files;
}

const start = useDeliveries();
const PHONE = { phone: '+351912345678', first_name: 'Ana', last_name: 'Lima', email: 'ana@example.com' };

async function send(rule: string, text: string, data: object, more?: { readonly [file: string]: string }) {
  const provider = fakeProvider();
  const tidings = await start({ sms: provider });
  await tidings.apply(catalogWith(rule, text, more));
  await tidings.worker();
  const event = {
    user_id: 'u1',
    event_type: 'text',
    event_id: crypto.randomUUID(),
    event_timestamp: '2025-11-20T11:59:00Z',
  };
  const [result] = await tidings.ingest([{ ...event, properties: { ...data }, user_traits: PHONE }]);
  const [decision] = result?.decisions ?? [];
  return { provider, tidings, decision, id: `${decision?.notification_id}.sms` };
}

describe('a rule fills them', () => {
  test.each([
    [
      'by an expression for each',
      'variables: { amount: event.n * 2, note: event.note }',
      { n: 2, note: 'x' },
      '4 x Bank',
    ],
    ['by an object of the event', 'variables: event.data', { data: { amount: 4, extra: 1 } }, '4 none Bank'],
    ['by the whole event', 'variables: event', { amount: 1, note: 'y' }, '1 y Bank'],
    ['with a default of null', 'variables: event', { amount: 1, note: null }, '1 none Bank'],
  ])('%s', async (_how, rule, data, expected) => {
    const { provider, tidings, id } = await send(rule, '{{amount}} {{note}} {{app_name}}', data);
    await tidings.becomes(id, 'sent');
    expect(provider.calls[0]?.message.text).toBe(expected);
  });

  test('those of every template come from the profile', async () => {
    const { provider, tidings, id } = await send('variables: event', '{{user_name}} {{user_email}} {{amount}}', {
      amount: 1,
    });
    await tidings.becomes(id, 'sent');
    expect(provider.calls[0]?.message.text).toBe('Ana Lima ana@example.com 1');
  });
});

describe('with a missing or wrong one the notification fails when it is planned, by name', () => {
  test.each([
    [{}, 'variable_missing', 'Failed: TEXT needs its variables: variable_missing: amount.'],
    [{ amount: null }, 'variable_missing', 'Failed: TEXT needs its variables: variable_missing: amount.'],
    [
      { amount: '3', due: 'soon' },
      'variable_invalid',
      'Failed: TEXT needs its variables: variable_invalid: amount is text, and must be a number; variable_invalid: due is text, and must be a date such as 2025-11-20, or 2025-11-20T09:00:00Z.',
    ],
  ])('%j', async (data, code, reason) => {
    const { decision } = await send('limit: once, variables: event', '{{amount}}', data);
    expect(decision).toMatchObject({ outcome: 'failed', reason_code: code, reason, notification_id: null });
  });

  test('also one that only a partial shows, and the limit is not used', async () => {
    const more = { 'templates/_partials/sum.txt': 'Sum {{amount}}' };
    const { tidings, decision } = await send('limit: once, variables: event', '{{> sum}}', {}, more);
    expect(decision).toMatchObject({ reason_code: 'variable_missing' });
    const event = { user_id: 'u1', event_type: 'text', event_timestamp: '2025-11-20T11:59:30Z' };
    const [again] = await tidings.ingest([{ ...event, event_id: crypto.randomUUID(), properties: { amount: 2 } }]);
    expect(again?.decisions[0]).toMatchObject({ reason_code: 'matched' });
  });
});

test('one that the active catalog requires since is missing when it is rendered', async () => {
  const { tidings, id, provider } = await send('variables: event', '{{amount}}', { amount: 1 });
  await tidings.becomes(id, 'sent');
  await tidings.stopWorkers(0);
  const [result] = await tidings.ingest([
    {
      ...{ user_id: 'u1', event_type: 'text', event_id: crypto.randomUUID(), event_timestamp: '2025-11-20T11:59:40Z' },
      properties: { amount: 1 },
    },
  ]);
  const files = catalogWith('variables: { amount: event.amount, ref: event.ref }', '{{ref}}');
  files.set('notifications.yaml', files.get('notifications.yaml')!.replace('due: date', 'ref: { required: true }'));
  await tidings.apply(files);
  await tidings.worker();
  const second = `${result?.decisions[0]?.notification_id}.sms`;
  await tidings.becomes(second, 'dead');
  const [attempt] = await tidings.attempts(second);
  expect(attempt?.reason).toBe('the template failed: variable_missing: ref.');
  expect(provider.calls).toHaveLength(1);
});

describe('the checker reports', () => {
  test.each([
    ['limit: once', '{{amount}}', 'TEXT requires the variable "amount"'],
    ['variables: { note: event.x }', '{{amount}}', 'TEXT requires the variable "amount"'],
    ['variables: { amount: event.x, nte: event.y }', '{{amount}}', 'TEXT has no variable "nte"'],
    ['variables: event', '{{amont}}', 'there is no `amont` here'],
    ['variables: event.', '{{amount}}', 'a name is missing at the end'],
  ])('%s with %s', async (rule, text, message) => {
    const failed = await parseCatalog(catalogWith(rule, text)).catch((error: unknown) => error);
    const { problems } = failed as { problems: { message: string; hint?: string }[] };
    expect(problems.map((one) => one.message).join('\n')).toContain(message);
  });

  test.each([
    ['amount: nmber', '"nmber" is not a type of a variable'],
    ['event: string', 'templates have another "event" already'],
    ['a-b: string', '"a-b" is not a valid name of a variable'],
    ['amount: { type: number, default: x }', '"default" is text, and must be a number'],
    ['amount: { required: true, default: 1 }', 'a variable with a default is never missing'],
    ['amount: { required: maybe }', '"required" must be true or false'],
    ['amount: { typ: number }', 'unknown key "typ" in "amount"'],
  ])('%s', async (variable, message) => {
    const files = deliveryCatalog();
    files.set(
      'notifications.yaml',
      files.get('notifications.yaml')!.replace('TEXT: { ', `TEXT: { variables: { ${variable} }, `),
    );
    const failed = await parseCatalog(files).catch((error: unknown) => error);
    expect((failed as { problems: { message: string }[] }).problems.map((one) => one.message)).toContain(message);
  });

  test('items and total, for a type that a digest sends', async () => {
    const variable = 'TEXT: { variables: { items: list }, ';
    const withRule = (rule: string) => {
      const files = deliveryCatalog({ 'templates/TEXT/sms.en.txt': '{{#each items}}{{this.name}} {{/each}}' });
      files.set('notifications.yaml', files.get('notifications.yaml')!.replace('TEXT: { ', variable));
      files.set('rules.yaml', files.get('rules.yaml')!.replace('TEXT: { on: text }', `TEXT: { on: text, ${rule} }`));
      return parseCatalog(files).catch((error: unknown) => error);
    };
    expect(await withRule('digest: { window: 1h }')).toMatchObject({
      problems: [{ message: 'TEXT has a variable "items", and a digest has another "items"' }],
    });
    expect(await withRule('variables: { items: event.items }')).toMatchObject({ notifications: expect.anything() });
  });

  test.each(['subject', 'text', 'html', 'body'])('a %s in notifications.yaml, with the file to write', async (key) => {
    const files = deliveryCatalog();
    files.set('notifications.yaml', files.get('notifications.yaml')!.replace('TEXT: { ', `TEXT: { ${key}: Hello, `));
    const failed = await parseCatalog(files).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      problems: [
        { message: `unknown key "${key}" in TEXT`, hint: expect.stringMatching(/templates\/TEXT\/email\.en\./) },
      ],
    });
  });

  test('a file notification_rules.yml', async () => {
    const failed = await parseCatalog(deliveryCatalog({ 'notification_rules.yml': 'rules: {}' })).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({
      problems: [{ file: 'notification_rules.yml', hint: expect.stringContaining('rules.yaml') }],
    });
  });
});

test('a variable may have the name of a helper: alone it is the variable', () => {
  const parts = { text: '{{date}}, {{date event.at "yyyy"}}' };
  const template = { notificationType: 'TEXT', channel: 'sms', locale: 'en', parts } as const;
  const compiled = compileTemplate(template, { own: { date: {} } });
  if ('problems' in compiled) throw new Error(compiled.problems[0]?.message);
  const data = { date: 'tomorrow', event: { at: '2025-11-20T12:00:00Z' } };
  expect(renderMessage(compiled.template, data)).toEqual({ message: { text: 'tomorrow, 2025' } });
});

test('variables of every template need no declaration', () => {
  expect(listTemplateProblems({ text: '{{user_name}} {{support_email}}' }, 'sms')).toEqual([]);
});

test('any values are accepted or rejected by name, never by their content', () => {
  const type = fc.constantFrom('string', 'number', 'boolean', 'date', 'object', 'list', undefined);
  const declared = fc.dictionary(
    fc.constantFrom('a', 'b', 'constructor', 'toString'),
    fc.record({ type, required: fc.constantFrom(true, undefined), default: fc.constantFrom('x', 1, undefined) }),
  );
  fc.assert(
    fc.property(
      declared,
      fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), fc.jsonValue()),
      (variables, given) => {
        const result = checkVariables({ variables: variables as never }, given as never);
        if ('problems' in result) {
          expect(result.problems.length).toBeGreaterThan(0);
          for (const { name, message } of result.problems)
            expect(message).toMatch(new RegExp(`^variable_\\w+: ${name}\\b`));
          return;
        }
        for (const [name, { required }] of Object.entries(variables)) {
          if (required) expect(Object.hasOwn(result.values, name)).toBe(true);
        }
      },
    ),
    runs(300),
  );
});
