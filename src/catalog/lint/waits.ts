import type { Rule } from '../../model/catalog.ts';
import type { Report } from './findings.ts';

/** Waits that need never end, and patterns and counts that the trigger itself meets. */
export function checkWaits(rule: Rule, tell: Report): void {
  const { name, on, after, unless, delay, debounce, again, cancelOn, expires } = rule;
  const path = ['rules', name];
  const stream = `a steady stream of ${on.length > 0 ? on.join(' and ') : 'changes'} never lets this end`;
  if (debounce && debounce.atMost === undefined) {
    tell('endless_wait', [...path, 'debounce'], stream, `debounce: { quiet: ${debounce.text}, at_most: 24h }`);
  }
  // A time of day comes, however often it is waited for anew.
  if (again === 'restart' && (delay ?? unless)) {
    tell('endless_wait', [...path, 'again'], stream, 'debounce: { quiet: 1h, at_most: 24h } has an end');
  }
  if (delay && expires !== undefined && delay.span > expires) {
    const message = `"expires" is shorter than the delay of ${delay.text}: it counts from the end of the delay`;
    tell('late_expiry', [...path, 'expires'], message, 'what was known in time is sent when the delay ends');
  }

  const keyed = rule.key !== undefined;
  for (const [index, { event, same }] of after.entries()) {
    if (keyed || same !== undefined || !on.includes(event)) continue;
    const message = `${event} is the trigger too: this wants two of them`;
    tell('own_trigger', [...path, 'after', index, 'event'], message, 'count: { at_least: 2, … } says so more plainly');
  }
  const own = unless && !keyed && unless.same === undefined ? unless.events.findIndex((type) => on.includes(type)) : -1;
  if (unless && own >= 0) {
    const message = `${unless.events[own]} is the trigger too: this waits for no other to follow`;
    tell(
      'own_trigger',
      [...path, 'unless', 'event', own],
      message,
      `debounce: { quiet: ${unless.withinText} } says the same`,
    );
  }
  for (const [index, type] of cancelOn.entries()) {
    if (!on.includes(type)) continue;
    const message = `${type} triggers the rule and ends its wait`;
    tell('cancels_itself', [...path, 'cancel_on', index], message, 'to wait anew: again: restart');
  }
  checkCount(rule, tell);
}

function checkCount({ name, on, changes, count }: Rule, tell: Report): void {
  // The trigger counts itself, where all that triggers is counted.
  if (!count || changes || on.length === 0 || !on.every((type) => count.of.includes(type))) return;
  const path = ['rules', name, 'count', count.how];
  if (count.how === 'at_least' && count.n === 1 && count.window.kind !== 'since') {
    tell('count_always', path, 'the trigger itself is one: this always holds', 'at_least: 2');
  } else if (count.how !== 'at_least' && count.n === 0) {
    tell('count_never', path, 'the trigger itself is one: this never holds', `${count.how}: 1`);
  }
}
