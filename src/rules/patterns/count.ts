import type { Count, Rule } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { formatDate, resolveZone } from '../../time/calendar.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Ids, Trigger, UserState } from '../facts.ts';
import type { CompiledRule } from '../rule-set.ts';
import { isAbout } from '../triggers.ts';
import { findRelated } from './related-events.ts';

/** The events that `count` asks for. */
export interface Counted {
  readonly counted: number;
  /** Display text: `the 10m up to 2025-10-31T…`, `2025-10-31 (UTC)`, `since signup_completed of 2025-10-31T…`. */
  readonly window: string;
  readonly isEnough: boolean;
}

/** Counts the known events in the window that ends with the trigger. The trigger counts, if it is of a counted type. */
export function countEvents(
  compiled: CompiledRule,
  count: Count,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): Counted {
  const { rule } = compiled;
  const { window } = count;
  const related = count.of.flatMap((type) => findRelated(compiled, user, trigger, type, compiled.sameCount, ids));
  const all = rule.about && countsTriggers(rule) ? related.filter(({ event }) => isAbout(rule, event)) : related;
  const self = count.of.includes(trigger.type) ? 1 : 0;
  let isInWindow: (time: Millis) => boolean;
  let text: string;
  if (window.kind === 'rolling') {
    isInWindow = (time) => time >= trigger.time - window.span;
    text = `the ${window.text} up to ${isoTime(trigger.time)}`;
  } else if (window.kind === 'day') {
    const zone = resolveZone(window.zone, user.profile.traits);
    const day = formatDate(trigger.time, zone);
    isInWindow = (time) => formatDate(time, zone) === day;
    text = `${day} (${zone})`;
  } else {
    const starts = findRelated(compiled, user, trigger, window.event, undefined, ids);
    const start = starts.findLast(({ time }) => time <= trigger.time);
    text = start ? `since ${window.event} of ${isoTime(start.time)}` : `since ${window.event}`;
    if (!start) return { counted: 0, window: text, isEnough: false };
    isInWindow = (time) => time >= start.time;
  }
  const counted = self + all.filter(({ time }) => time <= trigger.time && isInWindow(time)).length;
  return { counted, window: text, isEnough: isEnough(count, counted) };
}

function isEnough({ how, n }: Count, counted: number): boolean {
  switch (how) {
    case 'at_least':
      return counted >= n;
    case 'at_most':
      return counted <= n;
    case 'exactly':
      return counted === n;
  }
}

/** Returns whether the rule counts the events that trigger it, which is the default of `of`. */
function countsTriggers({ on, count }: Rule): boolean {
  return count !== undefined && count.of.length === on.length && count.of.every((type) => on.includes(type));
}
