import type { TemplateRow, VersionContent } from '../../store/templates/templates.ts';
import type { StoredTemplate } from '../parse/stored-template.ts';
import { type FilePart, formatFileName } from '../parse/template-files.ts';

/** A version of a template with everything that its files say. */
export type StoredSource = Pick<TemplateRow, 'id' | 'notificationType' | 'channel' | 'locale' | 'variant'> &
  VersionContent & { readonly version: number };

/** Returns a version as the files that it would be in the folder of a catalog. */
export function toStoredTemplate(source: StoredSource): StoredTemplate {
  const { id, version, notificationType, channel, locale, variant, parts, variables } = source;
  const files = Object.entries(parts).map(([part, text]) => [toPath(source, part as FilePart), text] as const);
  return {
    notificationType,
    channel,
    locale,
    ...(variant === null ? {} : { variant }),
    ...(variables && Object.keys(variables).length > 0 ? { variables } : {}),
    stored: { id, version },
    files: new Map(files),
  };
}

/** Returns the path of a part in the folder of a catalog. */
export function toPath(
  {
    notificationType,
    channel,
    locale,
    variant,
  }: Pick<StoredSource, 'notificationType' | 'channel' | 'locale' | 'variant'>,
  part: FilePart,
): string {
  return `templates/${notificationType}/${formatFileName(channel, locale, part, variant ?? undefined)}`;
}
