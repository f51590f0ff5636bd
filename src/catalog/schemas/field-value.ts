import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../../model/event.ts';
import { compileSchemas } from './validate-event.ts';

/** Says what is wrong with a value of a field: `is text ("pro"), true or false is needed`. */
export type FieldCheck = (name: string, value: Json) => string | undefined;

/** By what the schema says of each field alone: what it says of several depends on the others. */
export function newFieldCheck({ $defs, properties }: JsonObject, ajv: Ajv2020): FieldCheck {
  const traits = { ...($defs && { $defs }), ...(properties && { properties }) };
  const check = compileSchemas({ events: [], traits }, ajv);
  return (name, value) => {
    const misfit = check('', {}, { [name]: value });
    return misfit?.path === `user_traits.${name}` ? misfit.message : undefined;
  };
}
