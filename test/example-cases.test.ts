import { describe, expect, test } from 'vitest';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../src/simulate/cases/run-case.ts';
import { loadExample, parseCatalog } from './support/catalog.ts';

describe.each(['fintech', 'booking', 'marketplace', 'lending'])('examples/%s', async (name) => {
  const files = await loadExample(name);
  const data = await parseCatalog(files);
  const rules = compileCaseRules(data);
  const cases = parseCases('cases.yaml', files.get('cases.yaml') ?? '', data);
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const { failures, timeline } = runCase(rules, one, () => 0);
    expect(failures, timeline.join('\n')).toEqual([]);
  });
});
