import fc from 'fast-check';
import { test } from 'vitest';
import { compileRules } from '../src/rules/rule-set.ts';
import { countingIds } from '../src/simulate/ids.ts';
import { World } from '../src/simulate/world.ts';
import { only } from './support/memory.ts';
import { catalogOf, DAY } from './support/random-catalog.ts';
import { someTimedRules, told } from './support/random-rules.ts';
import { live } from './rules-random.test.ts';
test('stats', () => {
  const counts: Record<string, number> = {};
  fc.assert(fc.property(someTimedRules, fc.array(told, { minLength: 2, maxLength: 8 }), (rules, events) => {
    for (const h of live(new World(only(compileRules(1, catalogOf(rules))), countingIds()), events) as any[]) for (const d of h.decisions) { const k = `${d.outcome} ${d.reason_code}${d.outcome==='send' ? ' '+(d.evidence.wait?.kind ?? 'now') : ''}`; counts[k] = (counts[k] ?? 0) + 1; }
  }), { numRuns: 3000 });
  console.log(counts);
});
