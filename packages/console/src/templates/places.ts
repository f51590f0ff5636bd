/* The templates of a notification type, by channel, locale and variant. */
import type { Files } from '../api/drafts.ts';
import type { CatalogNotification } from '../api/types.ts';

export interface Place {
  readonly channel: string;
  readonly locale: string;
  readonly variant: string | null;
}

/** Folder of the files of a type. */
export const folderOf = (type: string): string => `templates/${type}/`;

/** Returns whether layouts and partials are in a file. */
export const isShared = (path: string): boolean => /^templates\/_(?:layouts|partials)\//.test(path);

/** Returns the files of a type, and then those that templates share. */
export function listTemplateFiles(type: string, files: Files): readonly string[] {
  const paths = Object.keys(files).sort();
  return [...paths.filter((path) => path.startsWith(folderOf(type))), ...paths.filter(isShared)];
}

/** Returns the templates that the active version or a draft has of a type: those in the default locale first. */
export function listPlaces(type: string, known: CatalogNotification | undefined, files: Files): readonly Place[] {
  const found = new Map<string, Place>();
  const add = (place: Place) => found.set(toPlaceName(place), place);
  for (const path of Object.keys(files)) {
    const place = path.startsWith(folderOf(type)) ? readPlace(path.slice(folderOf(type).length)) : undefined;
    if (place) add(place);
  }
  for (const { locale, channels } of known?.locales ?? []) {
    for (const channel of channels) add({ channel, locale, variant: null });
  }
  const rank = ({ locale, variant }: Place) => `${locale === DEFAULT_LOCALE ? 0 : 1} ${locale} ${variant ?? ''}`;
  return [...found.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** Reads the name of a file, such as `email.en@short.subject.txt`; undefined: it is not that of a template. */
export function readPlace(name: string): Place | undefined {
  const [, channel, locale, variant] = /^([^.]+)\.([^.@]+)(?:@([^.]*))?\.[^/]+$/.exec(name) ?? [];
  return channel === undefined || locale === undefined ? undefined : { channel, locale, variant: variant ?? null };
}

/** The locale whose templates stand in for others. */
export const DEFAULT_LOCALE = 'en';

export function toPlaceName({ channel, locale, variant }: Place): string {
  return `${channel} ${variant === null ? locale : `${locale}@${variant}`}`;
}
