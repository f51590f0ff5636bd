import type { Rule } from '../../src/model/catalog.ts';
import type { JsonObject } from '../../src/model/event.ts';
import { type DecisionContext, newContext } from '../../src/rules/context.ts';
import type { Trigger, Wait } from '../../src/rules/facts.ts';
import { newUserState } from '../../src/rules/user-state.ts';
import { countingIds } from '../../src/simulate/counting-ids.ts';
import { BASE, HOUR, plainRule, rulesOf } from './random-catalog.ts';

/** A user with stored waits of rule R, for the functions that decide about them. */

/** @param rule of version 1, which the waits started with @param active of the active catalog; absent: the same */
export function contextOf(waits: Wait[], rule: Partial<Rule>, active = rule): DecisionContext {
  const [first, second] = [rule, active].map((one, place) =>
    rulesOf([plainRule({ name: 'R', on: ['a'], ...one })], place + 1),
  );
  const sets = { active: second!, at: (version: number) => (version === 1 ? first! : second!) };
  const user = { ...newUserState('u'), waits: new Map(waits.map((one) => [one.waitId, one])) };
  return newContext(sets, user, BASE, countingIds(), 'source');
}

/** A stored wait of rule R, started by an event of type `a` at BASE and due an hour later. */
export function storedWait(values: Partial<Wait>): Wait {
  return {
    waitId: 'w',
    userId: 'u',
    rule: 'R',
    key: '',
    kind: 'delay',
    catalogVersion: 1,
    beganAt: BASE,
    status: 'waiting',
    dueAt: BASE + HOUR,
    triggerTime: BASE,
    state: { trigger: triggerOf('a') },
    endedAt: null,
    stored: 'same',
    ...values,
  };
}

/** An event of the type at BASE, named after its type. */
export function triggerOf(type: string, properties: JsonObject = {}): Trigger {
  return { key: `key of ${type}`, eventId: type, type, time: BASE, properties, traits: {} };
}
