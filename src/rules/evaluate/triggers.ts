import type { Rule } from '../../model/catalog.ts';
import { NOTIFICATION_REQUESTED } from '../../model/direct.ts';
import type { Event } from '../../model/event.ts';
import type { CompiledRule, RuleSet } from '../compile/rule-set.ts';

/**
 * Returns whether the rule's `about` filter accepts the event. Only `notification.*` events are filtered; every other event
 * passes.
 */
export function isAbout({ about }: Rule, { type, properties }: Pick<Event, 'type' | 'properties'>): boolean {
  if (about === undefined || !type.startsWith('notification.')) return true;
  return about.includes(String(properties.notification_type));
}

/** Returns the rules that the event triggers by its type, in catalog order. Does not copy the list when all of it applies. */
export function findTriggered({ byTrigger, direct }: RuleSet, event: Event): readonly CompiledRule[] {
  const listening = byTrigger.get(event.type) ?? NO_RULES;
  if (event.type === NOTIFICATION_REQUESTED) {
    return listening.flatMap((rule) =>
      rule.isDirect ? (direct.of(event) ?? []) : isAbout(rule.rule, event) ? rule : [],
    );
  }
  return listening.every(({ rule }) => isAbout(rule, event))
    ? listening
    : listening.filter(({ rule }) => isAbout(rule, event));
}

const NO_RULES: readonly CompiledRule[] = [];
