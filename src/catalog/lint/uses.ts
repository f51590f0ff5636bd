import { SENT_BY_TIDINGS } from '../../model/built-in-types.ts';
import type { CatalogData, Rule } from '../../model/catalog.ts';
import { getSentTypes } from '../../rules/compile/rule-set.ts';
import { LIFECYCLE_EVENTS } from '../lifecycle-events.ts';
import { newFieldTypes } from './calendar.ts';
import type { Report } from './findings.ts';

/**
 * Reports unused events, notifications and groups, reserved event names, zones without effect, `cancel` actions that name
 * rules that never wait, and rules that depend on events that only a caller can post.
 */
export function checkUses(catalog: CatalogData, report: Report): void {
  const { events, traits, notifications, rules, groups, preferences, connectors = [] } = catalog;
  const imports = connectors.flatMap((one) => (one.kind === 'customer-import' ? [one.on] : []));
  const goals = notifications.flatMap(({ goal }) => goal?.event ?? []);
  const used = new Set([...rules.flatMap(getEventTypes), ...imports, ...goals]);
  const reserved = new Set(LIFECYCLE_EVENTS.map(({ name }) => name));
  for (const { name } of events) {
    if (reserved.has(name)) {
      const message = `${name} is reserved for what Tidings itself reports`;
      report('reserved_event', ['events', name], message, 'every catalog has it: remove it, or choose another name');
    } else if (!used.has(name)) report('unused_event', ['events', name], `no rule uses ${name}`);
  }
  const sent = new Set(rules.flatMap((rule) => [...getSentTypes(rule)]));
  // Messages that ask for the confirmation of a consent.
  const asking = new Set(Object.values(preferences?.doubleOptIn ?? {}).map(({ type }) => type));
  for (const { name, sentBy } of notifications) {
    if (sent.has(name) || SENT_BY_TIDINGS.has(name) || asking.has(name) || sentBy === 'requests') continue;
    const hint = `if requests or batches send it, say so: ${name}: { sent_by: requests, … }`;
    report('unused_notification', ['notifications', name], `no rule sends ${name}`, hint);
  }
  const joined = new Set(rules.map((rule) => rule.group));
  for (const { name } of groups) {
    if (!joined.has(name))
      report('unused_group', ['groups', name], `no rule is in the group ${name}`, `group: ${name}`);
  }

  const listFieldTypes = newFieldTypes({ events, ...(traits && { traits }) });
  // A date begins at midnight in the zone of the rule.
  const waitsForDate = (rule: Rule) =>
    listFieldTypes(rule, rule.at?.field ?? '').some(({ format }) => format === 'date');
  const waiting = new Set(rules.filter(canWait).map(({ name }) => name));
  for (const rule of rules) {
    if (rule.zone !== 'UTC' && !hasLocalTime(rule) && !waitsForDate(rule)) {
      const hint = 'a limit names its own zone: 1 per day in user zone';
      report('unused_zone', ['rules', rule.name, 'zone'], 'nothing in this rule has a local time', hint);
    }
    for (const action of rule.actions) {
      if (action.kind !== 'cancel' || waiting.has(action.rule)) continue;
      report('nothing_to_cancel', ['rules', rule.name, 'do'], `${action.rule} never waits: it has nothing to cancel`);
    }
  }
}

/** Returns the event types that a rule looks at or emits. */
function getEventTypes({ on, after, count, unless, cancelOn, actions }: Rule): string[] {
  return [
    ...on,
    ...after.map(({ event }) => event),
    ...(count?.of ?? []),
    ...(count?.window.kind === 'since' ? [count.window.event] : []),
    ...(unless?.events ?? []),
    ...cancelOn,
    ...actions.flatMap((action) => (action.kind === 'emit' ? [action.event] : [])),
  ];
}

function hasLocalTime({ every, at, digest, count }: Rule): boolean {
  return Boolean(
    every || at?.timeOfDay !== undefined || digest?.window.kind === 'calendar' || count?.window.kind === 'day',
  );
}

/** Whether a rule has waits, which can be cancelled. The occurrences of a scheduled rule cannot. */
function canWait(rule: Rule): boolean {
  return Boolean(rule.delay ?? rule.at ?? rule.unless ?? rule.debounce ?? rule.digest);
}
