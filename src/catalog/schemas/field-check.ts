import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../../model/event.ts';
import { compileSchemas } from './validate-event.ts';

/**
 * Returns how a value violates the schema of a field, `is text ("pro"), but must be true or false`; undefined if it does not.
 */
export type FieldCheck = (name: string, value: Json) => string | undefined;

/**
 * Compiles a check of single fields from an object schema. Uses only what the schema says about each field alone, because
 * a constraint between fields depends on values that are not known yet.
 */
export function newFieldCheck({ $defs, properties }: JsonObject, ajv: Ajv2020): FieldCheck {
  const traits = { ...($defs && { $defs }), ...(properties && { properties }) };
  const validate = compileSchemas({ events: [], traits }, ajv);
  return (name, value) => {
    const violation = validate('', {}, { [name]: value });
    return violation?.path === `user_traits.${name}` ? violation.message : undefined;
  };
}
