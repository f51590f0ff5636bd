import type { Rule } from '../../model/catalog.ts';
import type { Report } from './findings.ts';

const DEBOUNCE_HINT = 'use debounce: { quiet: 1h, at_most: 24h }, which has an end';

/** Reports waits that may never end, and patterns and counts that the trigger itself fulfills. */
export function checkWaits(rule: Rule, report: Report): void {
  checkEnd(rule, report);
  checkOwnTrigger(rule, report);
  checkCount(rule, report);
}

function checkEnd({ name, on, unless, delay, debounce, again, expires }: Rule, report: Report): void {
  const path = ['rules', name];
  const stream = `a steady stream of ${on.length > 0 ? on.join(' and ') : 'changes'} keeps this wait from ending`;
  if (debounce && debounce.atMost === undefined) {
    report('endless_wait', [...path, 'debounce'], stream, `debounce: { quiet: ${debounce.text}, at_most: 24h }`);
  }
  // A wait for a time of day ends however often it is restarted.
  if (again === 'restart' && (delay ?? unless)) {
    report('endless_wait', [...path, 'again'], stream, DEBOUNCE_HINT);
  }
  if (delay && expires !== undefined && delay.span > expires) {
    const message = `"expires" is shorter than the delay of ${delay.text}: it counts from the end of the delay`;
    report(
      'late_expiry',
      [...path, 'expires'],
      message,
      'an event that arrives in time is sent after the delay anyway',
    );
  }
}

function checkOwnTrigger({ name, on, after, unless, cancelOn, key }: Rule, report: Report): void {
  const path = ['rules', name];
  for (const [index, { event, same }] of after.entries()) {
    if (key !== undefined || same !== undefined || !on.includes(event)) continue;
    const message = `${event} is the trigger too: this needs two of them`;
    report('own_trigger', [...path, 'after', index, 'event'], message, 'write count: { at_least: 2, … } instead');
  }
  const isUnkeyed = key === undefined && unless?.same === undefined;
  const own = unless && isUnkeyed ? unless.events.findIndex((type) => on.includes(type)) : -1;
  if (unless && own >= 0) {
    const message = `${unless.events[own]} is the trigger too: this waits until no other follows`;
    const hint = `write debounce: { quiet: ${unless.withinText} } instead`;
    report('own_trigger', [...path, 'unless', 'event', own], message, hint);
  }
  for (const [index, type] of cancelOn.entries()) {
    if (!on.includes(type)) continue;
    const message = `${type} triggers the rule and ends its wait`;
    report('cancels_itself', [...path, 'cancel_on', index], message, 'to restart the wait, write again: restart');
  }
}

function checkCount({ name, on, changes, count }: Rule, report: Report): void {
  // The trigger counts itself if every trigger is counted.
  if (!count || changes || on.length === 0 || !on.every((type) => count.of.includes(type))) return;
  const path = ['rules', name, 'count', count.how];
  if (count.how === 'at_least' && count.n === 1 && count.window.kind !== 'since') {
    report('count_always', path, 'the trigger itself counts: this always holds', 'at_least: 2');
  } else if (count.how !== 'at_least' && count.n === 0) {
    report('count_never', path, 'the trigger itself counts: this never holds', `${count.how}: 1`);
  }
}
