import type { CatalogFiles } from '../catalog-files.ts';
import type { Tree, YamlFile } from './yaml.ts';

/**
 * Returns the place where a part of the catalog is written. A path is a list of keys and list indices, such as
 * `['rules', 'WELCOME', 'limit', 1]`; an index into a value that is not a list stands for the value itself. For a part that
 * is not written, returns the place of the nearest part around it.
 */
export type SourceLocator = (path: readonly (string | number)[]) => {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
};

/** The file that contains each top-level part of a catalog. */
const FILES: { readonly [part: string]: string } = {
  events: 'events',
  traits: 'events',
  mapping: 'events',
  notifications: 'notifications',
  rules: 'rules',
  groups: 'rules',
  segments: 'segments',
  routes: 'routes',
  prices: 'routes',
  sources: 'sources',
  sinks: 'sinks',
  preferences: 'preferences',
  frequency: 'preferences',
  consent: 'preferences',
  connectors: 'connectors',
};

/**
 * Builds the locator of a catalog.
 *
 * @param yaml the parsed files, by part; may be filled later, but before the first call of the locator
 * @param files the texts of the same files, by path
 */
export function buildLocator(yaml: ReadonlyMap<string, YamlFile>, files: CatalogFiles): SourceLocator {
  const lineStarts = new Map<string, readonly number[]>();
  return (path) => {
    const file = yaml.get(FILES[path[0] ?? ''] ?? '');
    if (!file?.root) return { file: `${path[0]}.yaml`, line: 1, column: 1 };
    let starts = lineStarts.get(file.name);
    if (!starts) {
      starts = [0, ...[...(files.get(file.name) ?? '').matchAll(/\n/g)].map(({ index }) => index + 1)];
      lineStarts.set(file.name, starts);
    }
    const at = findOffset(file.root, path);
    const line = starts.findLastIndex((start) => start <= at);
    return { file: file.name, line: line + 1, column: at - (starts[line] ?? 0) + 1 };
  };
}

/** Returns the offset of the key if the path leads to a mapping, and of the value otherwise. */
function findOffset(root: Tree, path: readonly (string | number)[]): number {
  let tree = root;
  let { at } = root;
  for (const step of path) {
    if (typeof step === 'number') {
      const item = tree.kind === 'list' ? tree.items[step] : undefined;
      if (item) ({ at } = item);
      tree = item ?? tree;
      continue;
    }
    const entry = tree.kind === 'map' ? tree.entries.find(({ key }) => key === step) : undefined;
    if (!entry) return at;
    tree = entry.value;
    at = tree.kind === 'map' || tree.kind === 'null' ? entry.at : tree.at;
  }
  return at;
}
