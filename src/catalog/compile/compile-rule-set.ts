import type { CatalogData } from '../../model/catalog.ts';
import { compileRules } from '../../rules/compile/compile-rules.ts';
import type { RuleSet } from '../../rules/compile/rule-set.ts';
import { newAjv } from '../schemas/ajv.ts';
import { compileEmittedSchemas } from '../schemas/validate-event.ts';

/**
 * Compiles the rules of one catalog version. Events that the rules emit are validated by the schemas of the same version.
 *
 * @param ajv pass one to share it: an Ajv is slow to create
 * @throws Error if a rule does not compile, which checked data never causes
 */
export function compileRuleSet(version: number, data: CatalogData, ajv = newAjv()): RuleSet {
  return compileRules(version, data, compileEmittedSchemas(data, ajv));
}
