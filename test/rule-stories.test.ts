import { describe, expect, test } from 'vitest';
import { listStoryFiles, readStoryCases } from './support/rule-stories.ts';

/** The behavior of rules over time, as stories in the form in which users test their own catalogs. */

for (const file of listStoryFiles()) {
  describe(file, async () => {
    for (const { name, run } of await readStoryCases(file)) {
      test(name, () => {
        const { failures, timeline } = run();
        expect(failures, [...failures.map((failure) => JSON.stringify(failure)), ...timeline].join('\n')).toEqual([]);
      });
    }
  });
}
