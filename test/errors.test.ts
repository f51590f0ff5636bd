import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, REJECTION_CODES, TidingsError } from '../src/errors.ts';
import { toProblem } from '../src/http/problem.ts';
import { REASON_CODES } from '../src/model/decision.ts';
import { DELIVERY_REASON_CODES, DELIVERY_STATUSES } from '../src/model/delivery.ts';
import { DELIVERY_HOLD_CODES } from '../src/model/hold-codes.ts';

/** docs/errors.md has the codes of the program. */

const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');

/** Returns the text under a heading, up to the next of its level. */
function section(title: string): string {
  const start = page.indexOf(`\n## ${title}\n`);
  expect(start, `a section "${title}"`).toBeGreaterThan(-1);
  const end = page.indexOf('\n## ', start + 1);
  return page.slice(start, end < 0 ? undefined : end);
}

/** Returns the rest of each row of a table, by its first cell. */
function rows(title: string): Map<string, string> {
  return new Map([...section(title).matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, rest]) => [code!, rest!]));
}

describe('problems', () => {
  const described = new Map(
    [...section('Problems').matchAll(/^### (\w+)\n(\d{3})\. /gm)].map(([, code, status]) => [code, Number(status)]),
  );

  test('have a section with the status of each code, and no others', () => {
    expect([...described].sort()).toEqual(
      Object.entries(ERROR_CODES)
        .map(([code, { status }]) => [code, status])
        .sort(),
    );
  });

  test('have a link to their section', () => {
    for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]) {
      const { type } = toProblem(new TidingsError(code, 'Something.'), 'req_1');
      expect(type).toBe(`/api/docs/errors#${code}`);
      expect(page).toContain(`\n### ${code}\n`);
    }
  });

  test('have an example that matches the program', () => {
    const example = JSON.parse(/```json\n(.+?)```/s.exec(page)?.[1] ?? '');
    const pointer = example.errors[0].pointer;
    expect(toProblem(new TidingsError('invalid_request', example.detail, { pointer }), example.request_id)).toEqual(
      example,
    );
  });
});

test.each([
  ['Rejected events', Object.keys(REJECTION_CODES)],
  ['Decision reasons', REASON_CODES],
  ['Delivery reasons', DELIVERY_REASON_CODES],
  ['Codes of deliveries that wait', DELIVERY_HOLD_CODES],
] as const)('the table "%s" has each code', (title, codes) => {
  expect([...rows(title).keys()].sort()).toEqual([...codes].sort());
});

test('the meanings of rejections match the program', () => {
  const plain = (text: string) => text.replaceAll('`', '').replace(/^(The event|It) /, '');
  for (const [code, row] of rows('Rejected events')) {
    expect(plain(row)).toContain(plain(REJECTION_CODES[code as keyof typeof REJECTION_CODES]));
  }
});

test('the statuses in the table of deliveries exist', () => {
  for (const row of rows('Delivery reasons').values()) {
    for (const status of (row.split(' | ')[0] ?? '').matchAll(/`(\w+)`/g)) {
      expect(DELIVERY_STATUSES).toContain(status[1]);
    }
  }
});

test('the reason codes that SQL writes are among them', async () => {
  const found = new Set<string>();
  const folder = new URL('../src/store/deliveries/', import.meta.url);
  const names = (await readdir(folder)).concat('../jobs/delivery-jobs.ts');
  const sql = (await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))).join('\n');
  for (const [, code] of sql.matchAll(/reason_code = (?:case when [\w.]+ then )?'(\w+)'/g)) found.add(code!);
  expect([...found].sort()).toEqual(['address_added', 'address_known', 'cancelled', 'in_doubt', 'reached', 'retried']);
  for (const code of found) expect(DELIVERY_REASON_CODES).toContain(code);
});
