import type { CatalogData } from '../../model/catalog.ts';
import { compileRules } from '../../rules/compile-rules.ts';
import type { RuleSet } from '../../rules/rule-set.ts';
import { newAjv } from '../schemas/ajv.ts';
import { compileMadeSchemas } from '../schemas/validate-event.ts';

/** The rules of one catalog version, compiled: what they make is checked by its schemas. Throws: see compileRules. */
export function ruleSetOf(version: number, data: CatalogData, ajv = newAjv()): RuleSet {
  return compileRules(version, data, compileMadeSchemas(data, ajv));
}
