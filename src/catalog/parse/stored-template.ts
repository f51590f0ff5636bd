import type { StoredVersion, Template, Variables } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';

/** A version of a template of the API, as the files that it would be in a folder. */
export interface StoredTemplate extends Pick<Template, 'notificationType' | 'channel' | 'locale' | 'variant'> {
  readonly stored: StoredVersion;
  readonly variables?: Variables;
  readonly files: ReadonlyMap<string, string>;
}

/** Returns the place of a template, of which there is one. */
export function groupKey(type: string, channel: Channel, locale: string, variant?: string): string {
  return variant === undefined ? `${type}\n${channel}\n${locale}` : `${type}\n${channel}\n${locale}\n${variant}`;
}

/** Orders templates by notification, channel, locale and variant. */
export function sortKey({ notificationType, channel, locale, variant }: Template): string {
  return groupKey(notificationType, channel, locale, variant);
}
