import { joinWords } from '../../lib/text/join-words.ts';
import type { Rule } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import type { Report } from './findings.ts';

/** Longest duration that a catalog may have, in days: see `parseDuration`. */
const MAX_DURATION_DAYS = 3650;

/** Reports waits that may never end, and patterns and counts that the trigger itself fulfills. */
export function checkWaits(rule: Rule, report: Report): void {
  checkEnd(rule, report);
  checkOwnTrigger(rule, report);
  checkCount(rule, report);
}

function checkEnd({ name, on, unless, delay, at, debounce, again, expires }: Rule, report: Report): void {
  const path = ['rules', name];
  const stream = `a steady stream of ${on.length > 0 ? joinWords(on) : 'changes'} keeps this wait from ending`;
  if (debounce && debounce.atMost === undefined) {
    report('endless_wait', [...path, 'debounce'], stream, writeDebounce(debounce.quiet, debounce.text));
  }
  // A wait for a time of day ends however often it is restarted.
  if (again === 'restart' && (delay ?? unless)) {
    // A debounce does not go with `at`, and would end the wait of `unless` by another rule than it has.
    const canDebounce = delay !== undefined && at === undefined && unless === undefined;
    const hint = canDebounce
      ? `write ${writeDebounce(delay.span, delay.text)} in place of delay and again`
      : 'write again: ignore, by which the wait of the first trigger ends';
    report('endless_wait', [...path, 'again'], stream, hint);
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

function checkOwnTrigger(rule: Rule, report: Report): void {
  const { name, on, after, unless, cancelOn, key, debounce, digest } = rule;
  const path = ['rules', name];
  for (const [index, { event, same }] of after.entries()) {
    if (key !== undefined || same !== undefined || !on.includes(event)) continue;
    const message = `${event} is the trigger too: this needs two of them`;
    report('own_trigger', [...path, 'after', index, 'event'], message, hintToCount(rule));
  }
  const isUnkeyed = key === undefined && unless?.same === undefined;
  const own = unless && isUnkeyed ? unless.events.findIndex((type) => on.includes(type)) : -1;
  if (unless && own >= 0) {
    const message = `${unless.events[own]} is the trigger too: this waits until no other follows`;
    report('own_trigger', [...path, 'unless', 'event', own], message, hintToDebounce(rule));
  }
  for (const [index, type] of cancelOn.entries()) {
    if (!on.includes(type)) continue;
    const message = `${type} triggers the rule and ends its wait`;
    const hint = debounce || digest ? 'remove it here' : 'to restart the wait, remove it here and write again: restart';
    report('cancels_itself', [...path, 'cancel_on', index], message, hint);
  }
}

/** Returns how to count the events instead; other advice if the rule has more than the count could say. */
function hintToCount({ on, changes, after, count, when, choose, data, actions }: Rule): string {
  const isAlone = on.length === 1 && changes === undefined && after.length === 1 && count === undefined;
  const usesStep = JSON.stringify([when, choose, data, actions]).includes('matched');
  return isAlone && !usesStep
    ? `write count: { at_least: 2, within: ${after[0]?.withinText} } in place of after`
    : 'name another event, or add same, to say which two belong together';
}

/** Returns how to wait for a pause instead; other advice if the rule has more than a debounce could say. */
function hintToDebounce({ on, unless, delay, at, digest, ifPast, ifMissing }: Rule): string {
  const isAlone = unless?.events.length === 1 && unless.atLeast === 1 && on.length === 1;
  const isOnlyWait = !delay && !at && !digest && ifPast === 'skip' && ifMissing === 'skip';
  return unless && isAlone && isOnlyWait
    ? `write ${writeDebounce(unless.within, unless.withinText)} in place of unless and any again`
    : 'name another event, or add same, to say which two belong together';
}

/** Returns a debounce that has an end, as a catalog writes it. */
function writeDebounce(quiet: Millis, text: string): string {
  const days = Math.min(MAX_DURATION_DAYS, Math.ceil((2 * quiet) / DAY_MS));
  return `debounce: { quiet: ${text}, at_most: ${quiet <= DAY_MS ? '24h' : `${days}d`} }`;
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
