import type { Json, JsonObject } from '../model.ts';
import { compileSchemas } from './validate-event.ts';

/** Says what is wrong with a value of a trait: `is text ("pro"), true or false is needed`. Other traits count for nothing. */
export function newTraitCheck(traits: JsonObject | undefined): (trait: string, value: Json) => string | undefined {
  if (!traits) return () => undefined;
  const { required: _, ...schema } = traits;
  const check = compileSchemas({ events: [], traits: schema, notifications: [], rules: [], groups: [], templates: [] });
  return (trait, value) => {
    const misfit = check('', {}, { [trait]: value });
    return misfit?.path === `user_traits.${trait}` ? misfit.message : undefined;
  };
}
