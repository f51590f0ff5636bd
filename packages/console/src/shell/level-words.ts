import { t } from '../text/text.ts';
import { CHANNEL_LABELS } from './channel-labels.ts';

/** The part of a level before the colon, or all of it: by which authority. */
const SOURCES: { readonly [source: string]: string } = {
  user: t('by the user'),
  tenant: t('by the tenant'),
  law: t('by law'),
  consent: t('consent'),
  required: t('required'),
  audience: t('audience'),
  default: t('by default'),
  'not for the user': t('not for the user'),
};

const PARTS: { readonly [part: string]: string } = {
  everything: t('everything'),
  default: t('default'),
  pause: t('pause of messages'),
  'quiet hours': t('quiet hours'),
};

/** Parts that name a scope: `default of category MARKETING`. */
const OF_SCOPE: { readonly [part: string]: (scope: string) => string } = {
  default: (scope) => t('default of {scope}', { scope }),
  lock: (scope) => t('lock of {scope}', { scope }),
  frequency: (scope) => t('frequency of {scope}', { scope }),
  channels: (scope) => t('channels of {scope}', { scope }),
  cap: (scope) => t('limit of {scope}', { scope }),
};

/**
 * Returns the level at which preferences were decided in words: `user: category MARKETING / sms` → `by the user: category MARKETING /
 * SMS`. Words that it does not know, as from a newer API, stay as they are.
 */
export function formatLevel(level: string): string {
  const colon = level.indexOf(': ');
  const source = colon < 0 ? level : level.slice(0, colon);
  const words = SOURCES[source] ?? source;
  return colon < 0 ? words : `${words}: ${formatPart(level.slice(colon + 2))}`;
}

function formatPart(part: string): string {
  const [, word = '', scope = ''] = /^(\w+) of (.+)$/.exec(part) ?? [];
  return PARTS[part] ?? OF_SCOPE[word]?.(formatScope(scope)) ?? formatScope(part);
}

/** `type INVOICE / email`, `channel sms`, `sms`, `sms in FR`, `everything`. */
function formatScope(scope: string): string {
  const [, kind, name = '', channel] = /^(type|category|channel) (.+?)(?: \/ (\w+))?$/.exec(scope) ?? [];
  if (kind === 'channel') return formatChannel(name);
  if (kind === undefined) return PARTS[scope] ?? scope.replace(/\w+(?= in )|\w+$/, formatChannel);
  const words = kind === 'type' ? t('type {name}', { name }) : t('category {name}', { name });
  return channel === undefined ? words : `${words} / ${formatChannel(channel)}`;
}

function formatChannel(name: string): string {
  return Object.entries(CHANNEL_LABELS).find(([channel]) => channel === name)?.[1] ?? name;
}
