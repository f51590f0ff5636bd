import type { ChosenCell, PreferenceChange, Preferences, TypePreferences } from '../client/types.ts';

/** A switch of the page. */
export interface Switch {
  readonly channel: string;
  readonly isOn: boolean;
  /** Why it cannot be changed: the code of what decides, or `above`; undefined: it can. */
  readonly reason: string | undefined;
  /** The change that turns it the other way. */
  readonly change: PreferenceChange;
}

export interface TypeRow {
  readonly type: TypePreferences;
  readonly switches: readonly Switch[];
}

export interface Group {
  /** Undefined: the types are not grouped. */
  readonly category: string | undefined;
  /** Switches of all its types together. */
  readonly whole: readonly Switch[];
  readonly rows: readonly TypeRow[];
}

export interface PreferenceRows {
  readonly channels: readonly string[];
  readonly everything: Switch;
  readonly general: readonly Switch[];
  readonly groups: readonly Group[];
}

const ORDER = ['email', 'sms', 'push', 'in_app'];

/** Returns what a user sees of their preferences. @param wanted channels to show; empty: all */
export function toRows(preferences: Preferences, wanted: readonly string[], isGrouped: boolean): PreferenceRows {
  const { chosen } = preferences;
  const types = preferences.types.filter(({ channels }) =>
    Object.values(channels).some(({ decided_by }) => decided_by.code !== 'not_for_user'),
  );
  const used = new Set(types.flatMap(({ channels }) => Object.keys(channels)));
  const channels = [...ORDER, ...[...used].filter((one) => !ORDER.includes(one))].filter(
    (one) => used.has(one) && (wanted.length === 0 || wanted.includes(one)),
  );
  const isAllOff = chosen.all === false;
  const isOffFor = (channel: string) => isAllOff || chosen.channels?.[channel] === false;
  const general = channels.map((channel): Switch => {
    const isOn = !isOffFor(channel);
    return {
      channel,
      isOn,
      reason: isAllOff ? 'above' : undefined,
      change: { channels: { [channel]: isOn ? false : null } },
    };
  });
  const toRow = (type: TypePreferences): TypeRow => ({
    type,
    switches: channels.flatMap((channel) => toSwitch(type, channel, chosen, isOffFor(channel))),
  });
  const names = isGrouped ? [...new Set(types.map(({ category }) => category))] : [undefined];
  const groups = names.map((category): Group => {
    const rows = types.filter((type) => category === undefined || type.category === category).map(toRow);
    if (category === undefined) return { category, whole: [], rows };
    const isFree = (channel: string) =>
      rows.some(({ switches }) =>
        switches.some((one) => one.channel === channel && (!one.reason || one.reason === 'above')),
      );
    const own = chosen.categories?.[category] ?? {};
    const whole = channels.filter(isFree).map((channel): Switch => {
      const isOff = isOffFor(channel);
      const isOn = !isOff && own.enabled !== false && own[channel] !== false;
      const cell = isOn ? { [channel]: false } : turnOn(own, channel, channels, null);
      return { channel, isOn, reason: isOff ? 'above' : undefined, change: { categories: { [category]: cell } } };
    });
    return { category, whole, rows };
  });
  const everything = { channel: '', isOn: !isAllOff, reason: undefined, change: { all: isAllOff ? null : false } };
  return { channels, everything, general, groups };
}

function toSwitch(type: TypePreferences, channel: string, chosen: PreferenceChange, isOffAbove: boolean): Switch[] {
  const cell = type.channels[channel];
  if (!cell) return [];
  const category = chosen.categories?.[type.category];
  const isAbove = isOffAbove || category?.enabled === false || category?.[channel] === false;
  const reason = cell.changeable ? (isAbove ? 'above' : undefined) : cell.decided_by.code;
  const own = chosen.types?.[type.type] ?? {};
  const change = cell.on ? { [channel]: false } : turnOn(own, channel, Object.keys(type.channels), true, type);
  return [{ channel, isOn: cell.on, reason, change: { types: { [type.type]: change } } }];
}

/**
 * Returns the change that turns one channel on. A choice for all channels together becomes one for each of them, so that the others stay
 * as they are.
 * @param on the value that turns it on: null forgets a choice, so that defaults count again
 */
function turnOn(
  own: ChosenCell,
  channel: string,
  channels: readonly string[],
  on: true | null,
  type?: TypePreferences,
): ChosenCell {
  const splits = own.enabled === false || own.channels !== undefined;
  const others = splits
    ? channels
        .filter((one) => one !== channel && (type?.channels[one]?.changeable ?? true))
        .map((one) => [one, type?.channels[one]?.on ?? false])
    : [];
  return {
    ...(own.enabled === false && { enabled: null }),
    ...(own.channels !== undefined && { channels: null }),
    ...(own.frequency === 'NEVER' && { frequency: null }),
    ...Object.fromEntries(others),
    [channel]: on,
  };
}

/** Returns the change that takes another one back: for each place of it what was chosen there before. */
export function toUndo(change: PreferenceChange, before: PreferenceChange): PreferenceChange {
  const undo: { [part: string]: unknown } = {};
  for (const [part, value] of Object.entries(change)) {
    const known = (before as { [part: string]: unknown })[part];
    if (part === 'channels' && isTable(value)) undo[part] = restore(value, known);
    else if ((part === 'types' || part === 'categories') && isTable(value)) {
      undo[part] = Object.fromEntries(
        Object.entries(value).map(([name, cell]) => [
          name,
          restore(cell as object, isTable(known) ? known[name] : undefined),
        ]),
      );
    } else undo[part] = known ?? null;
  }
  return undo as PreferenceChange;
}

function restore(changed: object, known: unknown): object {
  return Object.fromEntries(Object.keys(changed).map((name) => [name, isTable(known) ? (known[name] ?? null) : null]));
}

function isTable(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Changes a preference, and says what came of it. @param name of the thing that is turned on or off */
export type Save = (change: PreferenceChange, name?: { readonly label: string; readonly isOn: boolean }) => void;
