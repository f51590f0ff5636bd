import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { CatalogData } from '../../model/catalog.ts';
import type { ValidateEvent } from '../../model/event.ts';
import { emittedType } from '../../rules/compile/rule-set.ts';
import { newAjv } from './ajv.ts';
import { toViolation } from './violation.ts';

/**
 * Compiles the schemas of a catalog into a function that validates one event. The function is on the hot path. It returns
 * null if the event fits, or if the catalog declares nothing about its type. It converts no value, and its messages never
 * quote an address or a secret.
 *
 * @param ajv pass one to share it: an Ajv is slow to create
 */
export function compileSchemas(data: Pick<CatalogData, 'events' | 'traits'>, ajv = newAjv()): ValidateEvent {
  const validators = new Map<string, ValidateFunction>();
  for (const { name, properties } of data.events) {
    if (properties !== undefined) validators.set(name, ajv.compile(properties));
  }
  const validateTraits = data.traits && ajv.compile(data.traits);

  return (type, properties, traits) => {
    const validate = validators.get(type);
    if (validate !== undefined && !validate(properties)) return toViolation('properties', properties, validate);
    if (validateTraits !== undefined && !validateTraits(traits)) {
      return toViolation('user_traits', traits, validateTraits);
    }
    return null;
  };
}

/**
 * Compiles the schemas for the events that rules emit. Required traits are ignored: an event of `emit` carries no traits,
 * and one of `set` only those that it sets.
 */
export function compileEmittedSchemas(data: CatalogData, ajv = newAjv()): ValidateEvent {
  const actions = data.rules.flatMap((rule) => rule.actions);
  const emitted = new Set(actions.flatMap((action) => (action.kind === 'cancel' ? [] : [emittedType(action)])));
  const { required: _, ...traits } = data.traits ?? {};
  const setsTraits = actions.some(({ kind }) => kind === 'set');
  const events = data.events.filter(({ name }) => emitted.has(name));
  return compileSchemas({ events, ...(setsTraits && { traits }) }, ajv);
}
