import { CATEGORIES, type Category, type NotificationType } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import type { Terms } from '../../model/terms.ts';
import { type EffectiveQuestion, findEffective } from '../../plan/effective.ts';

/** A switch of the page. */
export interface PageSwitch {
  /** As in the terms of users: `*`, `ch:email`, `c:MARKETING/email`, `t:NEWS/email`. */
  readonly scope: string;
  /** Absent: that of everything. */
  readonly channel?: Channel;
  readonly isOn: boolean;
  /** Why it is grey: the code of what decides, or `above`; undefined: it can be changed. */
  readonly grey?: string;
}

/** The switches of a notification type. */
export interface TypeSwitches {
  readonly type: NotificationType;
  readonly switches: readonly PageSwitch[];
}

/** The switches of a category, of all its types together and of each. */
export interface CategorySwitches {
  readonly category: Category;
  readonly whole: readonly PageSwitch[];
  readonly types: readonly TypeSwitches[];
}

export interface PageSwitches {
  readonly everything: PageSwitch;
  readonly channels: readonly PageSwitch[];
  readonly categories: readonly CategorySwitches[];
}

/** A scope of the address that gets nothing, and whether its reader asked for that. */
export interface Stopped {
  readonly channel: string;
  /** `all`, `category:CATEGORY` or `type:TYPE`. */
  readonly scope: string;
  readonly isOwn: boolean;
}

/** Returns the switches of a user: what they see, and can change. */
export function listSwitches(
  types: readonly NotificationType[],
  asked: EffectiveQuestion,
  stopped: readonly Stopped[],
): PageSwitches {
  const { terms } = asked;
  const effective = findEffective(types, asked);
  const own = (name: string) => types.find((type) => type.name === name) as NotificationType;
  const rows = effective
    .filter(({ channels }) => Object.values(channels).some(({ decided_by: by }) => by.code !== 'not_for_user'))
    .map(({ type: name, channels }): TypeSwitches => {
      const type = own(name);
      const switches = CHANNELS.flatMap((channel): PageSwitch[] => {
        const cell = channels[channel];
        if (!cell) return [];
        const scope = `t:${name}/${channel}`;
        const stop = findStop(stopped, type, channel);
        if (stop && !stop.isOwn) return [{ scope, channel, isOn: false, grey: 'suppressed' }];
        const { code } = cell.decided_by;
        if (!cell.changeable) return [{ scope, channel, isOn: cell.on, grey: code }];
        const isAbove = isOffAbove(terms, type, channel) || (stop !== undefined && !stop.scope.startsWith('type:'));
        return [{ scope, channel, isOn: cell.on && !stop, ...(isAbove && { grey: 'above' }) }];
      });
      return { type, switches };
    });
  const used = CHANNELS.filter((channel) =>
    rows.some(({ switches }) => switches.some((one) => one.channel === channel)),
  );
  const isAllOff = terms.p?.['*']?.on?.[0] === 0;
  const channels = used.map((channel): PageSwitch => {
    const isOn = !isAllOff && terms.p?.[`ch:${channel}`]?.on?.[0] !== 0;
    return { scope: `ch:${channel}`, channel, isOn, ...(isAllOff && { grey: 'above' }) };
  });
  const isOffBy = (channel: Channel) => isAllOff || terms.p?.[`ch:${channel}`]?.on?.[0] === 0;
  const categories = CATEGORIES.flatMap((category): CategorySwitches[] => {
    const found = rows.filter(({ type }) => type.category === category);
    if (found.length === 0) return [];
    const free = used.filter((channel) =>
      found.some(({ switches }) => switches.some((one) => one.channel === channel && isFree(one))),
    );
    const whole = free.map((channel): PageSwitch => {
      const scope = `c:${category}/${channel}`;
      const isOff = terms.p?.[`c:${category}`]?.on?.[0] === 0 || terms.p?.[scope]?.on?.[0] === 0;
      const isStopped = stopped.some((one) => one.channel === channel && one.scope === `category:${category}`);
      const isGrey = isOffBy(channel);
      return { scope, channel, isOn: !isGrey && !isOff && !isStopped, ...(isGrey && { grey: 'above' }) };
    });
    return [{ category, whole, types: found }];
  });
  return { everything: { scope: '*', isOn: !isAllOff }, channels, categories };
}

function isFree({ grey }: PageSwitch): boolean {
  return grey === undefined || grey === 'above';
}

function findStop(stopped: readonly Stopped[], { name, category }: NotificationType, channel: Channel) {
  const scopes = ['all', `category:${category}`, `type:${name}`];
  const all = stopped.filter((one) => one.channel === channel && scopes.includes(one.scope));
  return all.find(({ isOwn }) => !isOwn) ?? all[0];
}

/** Whether the user turned off a broader scope than the type. */
function isOffAbove({ p = {} }: Terms, { category }: NotificationType, channel: Channel): boolean {
  return ['*', `ch:${channel}`, `c:${category}`, `c:${category}/${channel}`].some((scope) => p[scope]?.on?.[0] === 0);
}

/** The change that a form makes, and the channels and categories of which it turned something on. */
export interface FormChange {
  readonly change: { readonly [part: string]: unknown };
  readonly turnedOn: readonly PageSwitch[];
}

/** Types that one change may name. */
const MAX_CHANGED_TYPES = 200;

/**
 * Returns the change of the preferences that a form asks for: of the switches that it showed, and that can still be changed,
 * those that are not as they were. Undefined: it changes nothing.
 */
export function readForm(page: PageSwitches, form: URLSearchParams, terms: Terms): FormChange | undefined {
  const [shown, on] = [new Set(form.getAll('shown')), new Set(form.getAll('on'))];
  const isChanged = ({ scope, isOn, grey }: PageSwitch) => !grey && shown.has(scope) && on.has(scope) !== isOn;
  const change: { all?: unknown; channels?: object; categories?: object; types?: object } = {};
  const changed: PageSwitch[] = [];
  if (isChanged(page.everything)) {
    changed.push(page.everything);
    change.all = on.has('*') ? null : false;
  }
  const channels = page.channels.filter(isChanged);
  if (channels.length > 0) {
    changed.push(...channels);
    change.channels = Object.fromEntries(channels.map(({ scope, channel }) => [channel, on.has(scope) ? null : false]));
  }
  const read = (base: string, switches: readonly PageSwitch[]): object | undefined => {
    const own = switches.filter(isChanged);
    if (own.length === 0) return undefined;
    changed.push(...own);
    const turnsOn = own.some(({ scope }) => on.has(scope));
    const known = terms.p?.[base];
    // A choice for a category is forgotten, so that the defaults of its types count again.
    const isType = base.startsWith('t:');
    // A choice for all channels together becomes one for each, so that one of them can be on.
    const splits = turnsOn && (known?.on?.[0] === 0 || Boolean(known?.channels?.[0]));
    const cells = splits ? switches.filter(({ grey }) => !grey) : own;
    return {
      ...(turnsOn && known?.on?.[0] === 0 && { enabled: null }),
      ...(turnsOn && known?.channels?.[0] && { channels: null }),
      ...(turnsOn && known?.freq?.[0] === 'NEVER' && { frequency: null }),
      ...Object.fromEntries(cells.map(({ scope, channel }) => [channel, on.has(scope) && (isType || null)])),
    };
  };
  const categories = page.categories.flatMap(({ category, whole }) => {
    const cell = read(`c:${category}`, whole);
    return cell ? [[category, cell] as const] : [];
  });
  if (categories.length > 0) change.categories = Object.fromEntries(categories);
  const types = page.categories
    .flatMap((one) => one.types)
    .flatMap(({ type, switches }) => {
      const cell = read(`t:${type.name}`, switches);
      return cell ? [[type.name, cell] as const] : [];
    });
  if (types.length > 0) change.types = Object.fromEntries(types.slice(0, MAX_CHANGED_TYPES));
  if (changed.length === 0) return undefined;
  return { change, turnedOn: changed.filter(({ scope }) => on.has(scope)) };
}
