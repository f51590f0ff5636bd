import type { CatalogData, Rule } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { getFoldedType, getTemplateType, MAX_FOLDED_ITEMS, toFrequencyRule } from '../../model/frequency.ts';
import type { CompiledRule, FrequencyRules, RuleSet } from './rule-set.ts';

/** The built-in rule of digests that users asked for, without its type: its waits send the items that were folded into them. */
export const FOLDED: Rule = {
  name: toFrequencyRule(''),
  on: [],
  zone: 'user',
  after: [],
  ifPast: 'send_now',
  ifMissing: 'send_now',
  recheck: false,
  cancelOn: [],
  again: 'beside',
  limits: [],
  notify: [],
  actions: [],
  // When it is due is a matter of the plan.
  digest: { window: { kind: 'fixed', span: 0, text: '' }, keep: MAX_FOLDED_ITEMS, firstNow: false },
};

/** Returns the forms of the built-in rule, each made when it is first asked for. @param base the rule without a type */
export function buildFrequencyRules(types: ReadonlyMap<string, unknown>, base: CompiledRule): FrequencyRules {
  const forms = new Map<string, CompiledRule>();
  return {
    of({ rule, key }) {
      const type = getFoldedType(rule);
      if (type === undefined || !types.has(type)) return undefined;
      const name = `${type} ${key}`;
      let form = forms.get(name);
      if (!form) {
        const asked = key.split('+');
        const channels = CHANNELS.filter((channel) => asked.includes(channel));
        form = { ...base, rule: { ...base.rule, name: rule, notify: [type], channels }, types: [type] };
        forms.set(name, form);
      }
      return form;
    },
  };
}

/**
 * Returns the channels on which each notification type can be sent as a digest: those with a template for digests, or with one
 * of the type that shows `items`, if the type has no variables of its own, which a digest would lack.
 */
export function findDigestChannels({ notifications, templates }: CatalogData): RuleSet['digestChannels'] {
  const found = new Map<string, Set<Channel>>();
  const withVariables = new Set(notifications.filter(({ variables }) => variables).map(({ name }) => name));
  for (const { notificationType, channel, parts } of templates) {
    const type = getTemplateType(notificationType);
    const isOwn = type === notificationType;
    if (isOwn && (withVariables.has(type) || !Object.values(parts).some((part) => /\bitems\b/.test(part)))) continue;
    const channels = found.get(type);
    if (channels) channels.add(channel);
    else found.set(type, new Set([channel]));
  }
  return found;
}
