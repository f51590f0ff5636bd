import type { Channel } from './delivery.ts';

/** Begins the names of the built-in rules whose waits are digests that users asked for; the notification type follows. */
const FREQUENCY_RULE = '@frequency/';

/** Items that a digest keeps, the latest; its total counts the others. */
export const MAX_FOLDED_ITEMS = 100;

/** Ends the name under which the templates of digests of a notification type are found: `ORDER_SHIPPED.digest`. */
const DIGEST_TEMPLATE = '.digest';

/** Returns the name of the rule whose waits are the digests of a notification type. */
export function toFrequencyRule(type: string): string {
  return `${FREQUENCY_RULE}${type}`;
}

/** Returns the notification type of the digests of a rule; undefined: it is another rule. */
export function getFoldedType(rule: string): string | undefined {
  return rule.startsWith(FREQUENCY_RULE) ? rule.slice(FREQUENCY_RULE.length) : undefined;
}

/** Returns the key of a digest, which has channels of its own. */
export function toFoldKey(channels: readonly Channel[]): string {
  return channels.join('+');
}

/** Returns the name of the template of digests of a notification type. */
export function toDigestTemplate(type: string): string {
  return `${type}${DIGEST_TEMPLATE}`;
}

/** Returns the notification type of a template, which may be one of digests. */
export function getTemplateType(name: string): string {
  return name.endsWith(DIGEST_TEMPLATE) ? name.slice(0, -DIGEST_TEMPLATE.length) : name;
}
