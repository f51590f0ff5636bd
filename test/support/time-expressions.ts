import { parseAt } from '../../src/catalog/parse/rules/at-expression.ts';
import { parseRecurrence } from '../../src/catalog/parse/rules/recurrence-expression.ts';
import type { At } from '../../src/model/catalog.ts';

/** Returns the cron pattern of `every: WRITTEN`. */
export function cronOf(written: string): string {
  const read = parseRecurrence(written);
  if (!('recurrence' in read)) throw new Error(read.message);
  return read.recurrence.cron;
}

/** Returns the time expression of `at: WRITTEN`. */
export function atOf(written: string): At {
  const read = parseAt(written);
  if (!('at' in read)) throw new Error(read.message);
  return read.at;
}
