import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLimit } from '../src/catalog/parse/rules/limit-expression.ts';
import { evaluateLimit } from '../src/rules/evaluate/limits.ts';
import { lintFiles } from './support/catalog.ts';
import { buildLintFiles } from './support/lint-files.ts';
import { runs } from './support/properties.ts';

type Parsed = Extract<ReturnType<typeof parseLimit>, { limit: unknown }>;

describe('a limit that never binds', () => {
  const HOUR = 3_600_000;
  const limit = fc
    .tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('ever', 'per day', 'per 12h', 'per 24h', 'per 25h', 'per 2d'),
    )
    .map(([max, period]) => `${max} ${period}`);

  it('is never the only limit that is reached', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(limit, { minLength: 2, maxLength: 3, selector: (text) => text.split(' ').slice(1).join(' ') }),
        fc.array(fc.integer({ min: 0, max: 5 * 24 }), { minLength: 1, maxLength: 40 }),
        async (texts, hours) => {
          const { problems } = await lintFiles(buildLintFiles(`  A: { on: a, limit: [${texts.join(', ')}] }\n`));
          const neverBinding = new Set(
            problems.flatMap(({ code, message }) => (code === 'limit_never_binds' ? [message.split('"')[1]] : [])),
          );
          const limits = texts.map((text) => (parseLimit(text) as Parsed).limit);
          const uses = limits.map(
            (): { bucket: string; slot: number; at: number; eventId: string; notificationId: string }[] => [],
          );
          for (const hour of hours.sort((x, y) => x - y)) {
            const at = Date.parse('2025-10-20T00:00:00Z') + hour * HOUR;
            const states = limits.map((each, index) => evaluateLimit(each, uses[index]!, at, {}));
            const reached = limits.filter((_, index) => states[index]!.reached).map(({ text }) => text);
            if (reached.length > 0) expect(reached.every((text) => neverBinding.has(text))).toBe(false);
            else
              for (const [index, { bucket, slot }] of states.entries())
                uses[index]!.push({ bucket, slot, at, eventId: '', notificationId: '' });
          }
        },
      ),
      runs(100),
    );
  });
});
