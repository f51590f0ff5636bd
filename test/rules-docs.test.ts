import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAt } from '../src/catalog/parse/rules/at-expression.ts';
import { parseLimit } from '../src/catalog/parse/rules/limit-expression.ts';
import { parseRecurrence } from '../src/catalog/parse/rules/recurrence-expression.ts';
import { RULE_KEYS } from '../src/catalog/parse/rules/rules.ts';
import { compileFiles, lintFiles } from './support/catalog.ts';

describe('docs/rules.md', () => {
  const base = new Map([
    ['templates/WELCOME/email.en.subject.txt', 'Welcome'],
    ['templates/WELCOME/email.en.txt', 'Hello {{legal_name}} {{postal_address}} {{unsubscribe_url}}'],
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
      const files = new Map([...base, ['rules.yaml', rules]]);
      const { problems } = await lintFiles(files);
      expect(problems.filter(({ code }) => !/^unused_(event|notification)$/.test(code))).toEqual([]);
      await compileFiles(files);
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
      const { problems } = await lintFiles(source);
      const reported = problems.map(
        ({ file, line, column, severity, code, message, hint }) =>
          `${file}:${line}:${column}: ${severity} ${code}: ${message}${hint ? ` (${hint})` : ''}`,
      );
      expect(reported).toEqual([expected]);
    }
  });

  it('shows only valid limits', () => {
    const table = page.slice(page.indexOf('| limit | means |'), page.indexOf('The day is that of the event'));
    const limits = [...table.matchAll(/`(.+?)`/g)].map((match) => match[1]!).filter((text) => text !== 'time_zone');
    expect(limits.length).toBeGreaterThan(5);
    for (const text of limits) expect(parseLimit(text)).toMatchObject({ limit: { text } });
  });
});
