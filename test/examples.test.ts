import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { compileTemplate, renderMessage } from '../src/templates/template.ts';
import { type Catalog, lintFiles, loadExample } from './support/catalog.ts';

const EXAMPLES = ['fintech', 'booking', 'marketplace', 'lending'] as const;
const folder = (name: string) => new URL(`../examples/${name}/`, import.meta.url).pathname;

const linted = new Map(
  await Promise.all(EXAMPLES.map(async (name) => [name, await lintFiles(await loadExample(name))] as const)),
);

describe.each(EXAMPLES)('examples/%s', (name) => {
  const { data, problems } = linted.get(name)!;
  const catalog = data as Catalog;

  test('has no findings', () => {
    // One event of fintech shows that events may arrive that no rule uses.
    const known = name === 'fintech' ? ['unused_event: no rule uses payment_initiated'] : [];
    expect(problems.map(({ code, message }) => `${code}: ${message}`)).toEqual(known);
  });

  test('sends each notification by a rule, and expects it in a case', async () => {
    const types = catalog.notifications.map((type) => type.name);
    const sent = new Set(catalog.rules.flatMap(sentBy));
    expect(types.filter((type) => !sent.has(type))).toEqual([]);
    const cases = await readFile(`${folder(name)}cases.yaml`, 'utf8');
    expect(types.filter((type) => !cases.includes(`${type}: send`))).toEqual([]);
  });

  test('renders each template, also without optional data', () => {
    const data = {
      event: {},
      traits: {},
      user: {},
      notification: { id: 'n', type: 't', channel: 'email' },
      data: {},
      items: [{ event: {}, traits: {}, at: '2025-11-03T10:00:00Z' }],
      total: 1,
    };
    const own = new Map(catalog.notifications.map((type) => [type.name, type.variables]));
    for (const template of catalog.templates) {
      const declared = { own: own.get(template.notificationType), shared: catalog.variables };
      const compiled = compileTemplate(template, declared);
      const shown = 'template' in compiled ? renderMessage(compiled.template, data) : compiled;
      expect(shown, `${template.notificationType} ${template.channel}`).toMatchObject({
        message: { text: expect.stringMatching(/\S/) },
      });
      expect(JSON.stringify(shown)).not.toMatch(/undefined|NaN|Invalid|\[object/);
    }
  });
});

test.each(['booking', 'marketplace', 'lending'])('each message of %s is there in English and Spanish', (name) => {
  const { templates } = linted.get(name as 'booking')!.data as Catalog;
  const partsIn = (locale: string) =>
    templates
      .filter((template) => template.locale === locale)
      .map(({ notificationType, channel, parts }) =>
        [notificationType, channel, ...Object.keys(parts).sort()].join(' '),
      )
      .sort();
  expect(partsIn('es')).toEqual(partsIn('en'));
  const emails = templates.filter(({ channel }) => channel === 'email');
  // Hidden, in an element of its own: MJML and the compiler see to it.
  expect(emails.filter(({ parts }) => /<body[^>]*>\s*[^\s<]/.test(parts.html ?? ''))).toEqual([]);
  expect(emails.filter(({ parts }) => !parts.subject || !parts.html || !parts.text)).toEqual([]);
});

test('marketing of the marketplace names the company, its address and how to unsubscribe', () => {
  const { notifications, templates } = linted.get('marketplace')!.data as Catalog;
  const marketing = new Set(notifications.filter(({ category }) => category === 'MARKETING').map(({ name }) => name));
  const emails = templates.filter(
    ({ channel, notificationType }) => channel === 'email' && marketing.has(notificationType),
  );
  expect(emails).toHaveLength(2 * 6);
  for (const { parts } of emails) {
    for (const part of [parts.text, parts.html]) {
      expect(part).toMatch(/\{\{legal_name\}\}, \{\{postal_address\}\}/);
      expect(part).toMatch(/\{\{unsubscribe_url\}\}.*\{\{frontend_url\}\}\/settings\/messages/);
    }
  }
});

test('booking has 12 notifications for clients and 14 for practitioners', () => {
  const types = linted.get('booking')!.data!.notifications.map((type) => type.name);
  expect(types.filter((type) => type.startsWith('CLIENT_'))).toHaveLength(12);
  expect(types.filter((type) => type.startsWith('PRACTITIONER_'))).toHaveLength(14);
  expect(types).toHaveLength(26);
});

test.each([
  ['booking', 26],
  ['marketplace', 29],
])('each type of %s, all %i, has texts of its own in two locales, and each email a layout', (name, count) => {
  const { notifications, templates } = linted.get(name as 'booking')!.data as Catalog;
  expect(notifications).toHaveLength(count);
  for (const { name: type, channels, layouts } of notifications) {
    for (const channel of channels) {
      const where = `${type} by ${channel}`;
      const own = templates.filter((one) => one.notificationType === type && one.channel === channel);
      expect(own.map(({ locale }) => locale).sort(), where).toEqual(['en', 'es']);
      const [first, second] = own.map(({ parts }) => parts.html ?? parts.text ?? '');
      expect(first, where).not.toBe(second);
      for (const { parts } of own) expect((parts.text ?? '').trim().length, where).toBeGreaterThan(10);
      if (channel === 'email') expect(layouts?.email, where).toBeDefined();
    }
  }
});

test('a logo is shown where the tenant has a folder of files', () => {
  const { notifications, templates, variables } = linted.get('marketplace')!.data as Catalog;
  const template = templates.find((one) => one.notificationType === 'ORDER_SHIPPED' && one.channel === 'email')!;
  const own = notifications.find(({ name }) => name === 'ORDER_SHIPPED')!.variables;
  const compiled = compileTemplate(template, { own, shared: variables });
  if ('problems' in compiled) throw new Error(compiled.problems[0]?.message);
  const html = (tenant: { readonly [name: string]: string }) => {
    const rendered = renderMessage(compiled.template, { event: {}, traits: {}, user: {}, tenant });
    return 'message' in rendered ? rendered.message.html : rendered.error;
  };
  expect(html({ asset_base_url: 'https://static.larch.example' })).toContain(
    `<img src='https://static.larch.example/logo.png' alt="Larch"`,
  );
  expect(html({})).toContain('<p class="brand">Larch</p>');
});

function sentBy({ notify, choose = [], split = [] }: Catalog['rules'][number]): string[] {
  return [...notify, ...choose.flatMap((branch) => branch.notify), ...split.flatMap((variant) => variant.notify)];
}
