import { joinWords } from '../../../lib/text/join-words.ts';
import { type Branch, HOLDOUT_VARIANTS, type Rule, type Variant } from '../../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../../model/delivery.ts';
import { checkFilled, type Fields, parseEntries, parseFilledFields, parseKeyword, parseTexts } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry } from '../yaml.ts';
import { type ExpressionScope, parseConditionField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

type Notify = Pick<Rule, 'notify' | 'choose' | 'split' | 'channels'>;

const CHOOSE_EXAMPLE = 'choose: [{ when: user.plan == "pro", notify: PRO_TIP }, { notify: FREE_TIP }]';
const SPLIT_EXAMPLE = 'split: { control: 10%, reminder: 90% }';

/** Parses `notify`, `choose`, `split` and `channels`: what the rule sends. */
export function parseNotify(ctx: RuleContext, rule: Entry, found: Fields, scope: ExpressionScope): Notify {
  const choose = parseChoose(ctx, found, scope);
  const chosen = [...new Set((choose ?? []).flatMap((branch) => branch.notify))];
  const shares = parseShares(ctx, found);
  // Variants that send what the rule sends: their names are not notification types.
  const sharing = shares?.filter(
    ({ name }) => !HOLDOUT_VARIANTS.includes(name) && (found.has('choose') || !ctx.notifications?.has(name)),
  );
  // Without a split, `own` is what the rule sends. A split whose variants all name a notification has no use for it.
  const own = found.has('choose') ? chosen : sharing?.length === 0 ? [] : parseOwnTypes(ctx, rule, found);
  if (sharing?.length === 0 && found.has('notify')) {
    ctx.report(found.get('notify')!.at, 'no variant of the split sends this', SPLIT_EXAMPLE);
  }
  const split = shares?.map(({ name, share }): Variant => {
    const isSharing = sharing?.some((other) => other.name === name);
    return { name, share, notify: HOLDOUT_VARIANTS.includes(name) ? [] : isSharing ? own : [name] };
  });
  const notify = choose ? [] : own;
  const sent = [...new Set([...notify, ...chosen, ...(split ?? []).flatMap((variant) => variant.notify)])];
  const channels = parseChannels(ctx, found, sent);
  return { ...(choose && { choose }), ...(split && { split }), notify, ...(channels && { channels }) };
}

/** Parses `notify`. Without it, a rule sends the notification of its own name, or nothing if it only has actions. */
function parseOwnTypes(ctx: RuleContext, rule: Entry, found: Fields): string[] {
  const entry = found.get('notify');
  if (entry !== undefined) {
    const types = parseTypes(ctx, entry);
    if (isNone(entry)) checkNotifyNone(ctx, entry, found);
    return types;
  }
  if (ctx.notifications === undefined || ctx.notifications.has(rule.key)) return [rule.key];
  if (found.has('do') && !found.has('split')) return [];
  const message = `no notification is called ${rule.key}, and the rule has no "notify"`;
  ctx.report(rule.at, message, suggest(rule.key, ctx.notifications.keys()));
  return [rule.key];
}

/** Reports keys that have no effect in a rule that sends nothing, and a rule that does nothing at all. */
function checkNotifyNone(ctx: RuleContext, entry: Entry, found: Fields): void {
  for (const key of ['split', 'channels', 'data', 'variables']) {
    const other = found.get(key);
    if (other) ctx.report(other.at, `"${key}" cannot be combined with "notify: none"`, 'the rule sends nothing');
  }
  if (!found.has('do')) ctx.report(entry.at, 'the rule sends nothing and has no actions', 'add "do"');
}

function isNone({ value }: Entry): boolean {
  return value.kind === 'text' && value.text.trim() === 'none';
}

/** Parses one notification type or a list of them; `none` is an empty list. */
function parseTypes(ctx: RuleContext, entry: Entry): string[] {
  if (isNone(entry)) return [];
  return parseTexts(ctx.file, entry.value, '"notify"', 'notify: WELCOME_EMAIL').map((text) =>
    ctx.parseNotification(text),
  );
}

function parseChoose(ctx: RuleContext, found: Fields, scope: ExpressionScope): Branch[] | undefined {
  const entry = found.get('choose');
  if (entry === undefined) return undefined;
  if (entry.value.kind !== 'list' || entry.value.items.length === 0) {
    ctx.report(entry.value.at, '"choose" must be a list of branches', CHOOSE_EXAMPLE);
    return undefined;
  }
  const items = entry.value.items;
  return items.map((item, index) => {
    const parts = parseFilledFields(ctx.file, item, 'a branch', ['when', 'notify'], CHOOSE_EXAMPLE);
    const when = parts.get('when');
    const notify = parts.get('notify');
    if (item.kind === 'map' && !when && index < items.length - 1) {
      const message = 'a branch without "when" is always taken: those after it never are';
      ctx.report(item.at, message, 'put it last');
    }
    if (item.kind === 'map' && !notify) {
      ctx.report(item.at, 'the branch needs "notify"', 'to send nothing, write notify: none');
    }
    const condition = when && parseConditionField(ctx, when, scope, 'when: user.plan == "pro"');
    return { ...(condition !== undefined && { when: condition }), notify: notify ? parseTypes(ctx, notify) : [] };
  });
}

/** Parses the names and the shares (in percent) of `split`, and checks that they add up to 100%. */
function parseShares(ctx: RuleContext, found: Fields): { name: string; share: number }[] | undefined {
  const entry = found.get('split');
  if (entry === undefined) return undefined;
  checkFilled(ctx.file, entry.value, '"split"', SPLIT_EXAMPLE);
  const parts = parseEntries(ctx.file, entry.value, '"split"', SPLIT_EXAMPLE);
  if (entry.value.kind !== 'map') return undefined;
  const shares = parts.flatMap(({ key: name, value }) => {
    const written = value.kind === 'text' ? value.text.trim() : value.kind === 'number' ? value.source : '';
    const share = /^\d{1,3}(\.\d{1,2})?%$/.test(written) ? Number(written.slice(0, -1)) : Number.NaN;
    if (share >= 0 && share <= 100) return [{ name, share }];
    const isNumber = /^\d+(\.\d+)?$/.test(written);
    const hint = isNumber ? `write ${written}%` : 'use 0% to 100%, with at most two decimals';
    ctx.report(value.at, `the share of ${JSON.stringify(name)} is not a percentage`, hint);
    return [];
  });
  // Added up as integers, in hundredths of a percent, so that the sum is exact.
  const total = shares.reduce((sum, { share }) => sum + Math.round(share * 100), 0) / 100;
  if (shares.length === parts.length && total !== 100) {
    ctx.report(entry.at, `the variants of the split add up to ${total}%`, 'they must add up to 100%');
  }
  return shares;
}

/** @param sent the notification types that the rule may send */
function parseChannels(ctx: RuleContext, found: Fields, sent: readonly string[]): Channel[] | undefined {
  const entry = found.get('channels');
  if (entry === undefined) return undefined;
  const types = sent.flatMap((name) => ctx.notifications?.get(name) ?? []).filter(({ channelsKnown }) => channelsKnown);
  const all = [...new Set(types.flatMap(({ type }) => type.channels))];
  const channels = parseTexts(ctx.file, entry.value, '"channels"', 'channels: [email]').flatMap((text) => {
    const channel = parseKeyword(ctx.file, text, 'a channel', CHANNELS);
    if (channel && types.length === sent.length && types.length > 0 && !all.includes(channel)) {
      const message = `${joinWords(sent)} ${sent.length > 1 ? 'are' : 'is'} not sent by ${channel}`;
      ctx.report(text.at, message, `channels: [${all.join(', ')}]`);
    }
    return channel ? [channel] : [];
  });
  const left = types.find(({ type }) => !type.channels.some((channel) => channels.includes(channel)));
  if (left && channels.some((channel) => all.includes(channel))) {
    ctx.report(entry.at, `no channel of ${left.type.name} is left`, `its channels: ${left.type.channels.join(', ')}`);
  }
  if (sent.length === 0 && !found.has('notify')) {
    ctx.report(entry.at, '"channels" needs a notification', 'the rule sends nothing');
  }
  return channels;
}
