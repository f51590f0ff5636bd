import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import type { CatalogData, Rule } from '../src/model/catalog.ts';
import { compileTemplate, renderMessage } from '../src/templates/template.ts';

const EXAMPLES = ['fintech', 'booking', 'marketplace'] as const;
const folder = (name: string) => new URL(`../examples/${name}/`, import.meta.url).pathname;

const read = new Map(
  await Promise.all(
    EXAMPLES.map(
      async (name) => [name, await lintCatalog(await parseCatalogFiles(await loadCatalogFiles(folder(name))))] as const,
    ),
  ),
);

describe.each(EXAMPLES)('examples/%s', (name) => {
  const { data, problems } = read.get(name)!;
  const catalog = data as CatalogData;

  test('is read, and the checker finds nothing to mend', () => {
    // One event of fintech is there to show that an event may arrive that no rule looks at.
    const known = name === 'fintech' ? ['unused_event: no rule uses payment_initiated'] : [];
    expect(problems.map(({ code, message }) => `${code}: ${message}`)).toEqual(known);
  });

  test('each notification is sent by a rule, and some case expects it', async () => {
    const types = catalog.notifications.map((type) => type.name);
    const told = new Set(catalog.rules.flatMap(sentBy));
    expect(types.filter((type) => !told.has(type))).toEqual([]);
    const cases = await readFile(`${folder(name)}cases.yaml`, 'utf8');
    expect(types.filter((type) => !cases.includes(`${type}: send`))).toEqual([]);
  });

  test('each template shows a message, also when all that may be left out is', () => {
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

test('booking tells clients 12 things and practitioners 14', () => {
  const types = read.get('booking')!.data!.notifications.map((type) => type.name);
  expect(types.filter((type) => type.startsWith('CLIENT_'))).toHaveLength(12);
  expect(types.filter((type) => type.startsWith('PRACTITIONER_'))).toHaveLength(14);
  expect(types).toHaveLength(26);
});

function sentBy({ notify, choose = [], split = [] }: Rule): string[] {
  return [...notify, ...choose.flatMap((branch) => branch.notify), ...split.flatMap((variant) => variant.notify)];
}
