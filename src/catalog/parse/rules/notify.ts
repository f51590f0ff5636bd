import type { Branch, Rule, Variant } from '../../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../../model/delivery.ts';
import { type Fields, fields, named, oneOf, someTexts } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry } from '../yaml.ts';
import { type ExpressionScope, parseConditionField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

type Notify = Pick<Rule, 'notify' | 'choose' | 'split' | 'channels'>;

const CHOOSE = 'choose: [{ when: user.plan == "pro", notify: PRO_TIP }, { notify: FREE_TIP }]';
const SPLIT = 'split: { control: 10%, reminder: 90% }';
const NOBODY: readonly string[] = ['control', 'holdout', 'none'];

/** `notify`, `choose`, `split` and `channels`: what is sent. */
export function readNotify(c: RuleContext, rule: Entry, found: Fields, sight: ExpressionScope): Notify {
  const choose = readChoose(c, found, sight);
  const chosen = [...new Set((choose ?? []).flatMap((branch) => branch.notify))];
  const shares = readShares(c, found);
  const shared = shares?.filter(
    ({ name }) => !NOBODY.includes(name) && (found.has('choose') || !c.notifications?.has(name)),
  );
  // What the parts of a split send that do not name a notification; without a split, what is sent.
  const own = found.has('choose') ? chosen : shared?.length === 0 ? [] : readOwn(c, rule, found);
  if (shared?.length === 0 && found.has('notify')) {
    c.problem(found.get('notify')!.at, 'no part of the split sends this', SPLIT);
  }
  const split = shares?.map(({ name, share }): Variant => {
    const notify = NOBODY.includes(name) ? [] : shared?.some((other) => other.name === name) ? own : [name];
    return { name, share, notify };
  });
  const notify = choose ? [] : own;
  const sent = [...new Set([...notify, ...chosen, ...(split ?? []).flatMap((variant) => variant.notify)])];
  const channels = readChannels(c, found, sent);
  return { ...(choose && { choose }), ...(split && { split }), notify, ...(channels && { channels }) };
}

/** `notify`, or the rule's own name; a rule that has something else to do needs neither. */
function readOwn(c: RuleContext, rule: Entry, found: Fields): string[] {
  const entry = found.get('notify');
  if (entry !== undefined) {
    const types = readTypes(c, entry);
    for (const key of types.length === 0 && isNone(entry) ? ['split', 'channels', 'data'] : []) {
      const other = found.get(key);
      if (other) c.problem(other.at, `"${key}" does not go with "notify: none"`, 'nothing is sent');
    }
    if (isNone(entry) && !found.has('do'))
      c.problem(entry.at, 'nothing is sent, and there is nothing to do', 'add "do"');
    return types;
  }
  if (c.notifications === undefined || c.notifications.has(rule.key)) return [rule.key];
  if (found.has('do') && !found.has('split')) return [];
  const message = `no notification is called ${rule.key}, and the rule has no "notify"`;
  c.problem(rule.at, message, suggest(rule.key, c.notifications.keys()));
  return [rule.key];
}

function isNone({ value }: Entry): boolean {
  return value.kind === 'text' && value.text.trim() === 'none';
}

/** Notification types; `none` is no type. */
function readTypes(c: RuleContext, entry: Entry): string[] {
  if (isNone(entry)) return [];
  return someTexts(c.file, entry.value, '"notify"', 'notify: WELCOME_EMAIL').map((text) => c.notification(text));
}

function readChoose(c: RuleContext, found: Fields, sight: ExpressionScope): Branch[] | undefined {
  const entry = found.get('choose');
  if (entry === undefined) return undefined;
  if (entry.value.kind !== 'list' || entry.value.items.length === 0) {
    c.problem(entry.value.at, '"choose" is no list of branches', CHOOSE);
    return undefined;
  }
  const items = entry.value.items;
  return items.map((item, index) => {
    const parts = fields(c.file, item, 'a branch', ['when', 'notify'], CHOOSE);
    const when = parts.get('when');
    const notify = parts.get('notify');
    if (item.kind === 'map' && !when && index < items.length - 1) {
      c.problem(item.at, 'a branch without "when" always is taken: those after it never are', 'put it last');
    }
    if (item.kind === 'map' && !notify)
      c.problem(item.at, 'the branch does not say what is sent', 'notify: none sends nothing');
    const condition = when && parseConditionField(c, when, sight, 'when: user.plan == "pro"');
    return { ...(condition !== undefined && { when: condition }), notify: notify ? readTypes(c, notify) : [] };
  });
}

function readShares(c: RuleContext, found: Fields): { name: string; share: number }[] | undefined {
  const entry = found.get('split');
  if (entry === undefined) return undefined;
  const parts = named(c.file, entry.value, '"split"', SPLIT);
  if (entry.value.kind !== 'map') return undefined;
  const shares = parts.flatMap(({ key: name, value }) => {
    const written = value.kind === 'text' ? value.text.trim() : value.kind === 'number' ? value.source : '';
    const share = /^\d{1,3}(\.\d{1,2})?%$/.test(written) ? Number(written.slice(0, -1)) : Number.NaN;
    if (share >= 0 && share <= 100) return [{ name, share }];
    const hint = /^\d+(\.\d+)?$/.test(written) ? `write ${written}%` : 'from 0% to 100%, at most two decimals';
    c.problem(value.at, `${JSON.stringify(name)} has no share in percent`, hint);
    return [];
  });
  // In hundredths of a percent, which add up exactly.
  const total = shares.reduce((sum, { share }) => sum + Math.round(share * 100), 0) / 100;
  if (shares.length === parts.length && total !== 100) {
    c.problem(entry.at, `the parts of the split add up to ${total}%`, '100% is needed');
  }
  return shares;
}

function readChannels(c: RuleContext, found: Fields, sent: readonly string[]): Channel[] | undefined {
  const entry = found.get('channels');
  if (entry === undefined) return undefined;
  const types = sent.flatMap((name) => c.notifications?.get(name) ?? []).filter((read) => read.channelsKnown);
  const all = [...new Set(types.flatMap(({ type }) => type.channels))];
  const channels = someTexts(c.file, entry.value, '"channels"', 'channels: [email]').flatMap((text) => {
    const channel = oneOf(c.file, text, 'a channel', CHANNELS);
    if (channel && types.length === sent.length && types.length > 0 && !all.includes(channel)) {
      c.problem(
        text.at,
        `${sent.join(' and ')} ${sent.length > 1 ? 'are' : 'is'} not sent by ${channel}`,
        `channels: [${all.join(', ')}]`,
      );
    }
    return channel ? [channel] : [];
  });
  const left = types.find(({ type }) => !type.channels.some((channel) => channels.includes(channel)));
  if (left && channels.some((channel) => all.includes(channel))) {
    c.problem(entry.at, `no channel of ${left.type.name} is left`, `its channels: ${left.type.channels.join(', ')}`);
  }
  if (sent.length === 0 && !found.has('notify'))
    c.problem(entry.at, '"channels" needs a notification', 'nothing is sent');
  return channels;
}
