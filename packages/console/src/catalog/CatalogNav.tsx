import { linkToCatalog, linkToPreview, linkToTemplates, linkToVersions } from '../route.ts';
import { PartsNav } from '../shell/PartsNav.tsx';

const LINKS = [
  { part: 'contents', label: 'Active catalog', href: linkToCatalog() },
  { part: 'templates', label: 'Templates', href: linkToTemplates(null) },
  { part: 'preview', label: 'Preview', href: linkToPreview({}) },
  { part: 'versions', label: 'All versions', href: linkToVersions() },
] as const;

/** Links between the pages of what the catalog says. `part`: the current one, which is marked. */
export function CatalogNav({ part }: { part: (typeof LINKS)[number]['part'] }) {
  return <PartsNav label="Catalog" links={LINKS} part={part} />;
}
