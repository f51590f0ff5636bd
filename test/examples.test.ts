import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { compileTemplate, renderMessage } from '../src/templates/template.ts';
import { type Catalog, lintFiles, loadExample } from './support/catalog.ts';

const EXAMPLES = ['fintech', 'booking', 'marketplace'] as const;
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
    for (const template of catalog.templates) {
      const compiled = compileTemplate(template);
      const shown = 'template' in compiled ? renderMessage(compiled.template, data) : compiled;
      expect(shown, `${template.notificationType} ${template.channel}`).toMatchObject({
        message: { text: expect.stringMatching(/\S/) },
      });
      expect(JSON.stringify(shown)).not.toMatch(/undefined|NaN|Invalid|\[object/);
    }
  });
});

test('booking has 12 notifications for clients and 14 for practitioners', () => {
  const types = linted.get('booking')!.data!.notifications.map((type) => type.name);
  expect(types.filter((type) => type.startsWith('CLIENT_'))).toHaveLength(12);
  expect(types.filter((type) => type.startsWith('PRACTITIONER_'))).toHaveLength(14);
  expect(types).toHaveLength(26);
});

function sentBy({ notify, choose = [], split = [] }: Catalog['rules'][number]): string[] {
  return [...notify, ...choose.flatMap((branch) => branch.notify), ...split.flatMap((variant) => variant.notify)];
}
