import type { Tree, YamlFile } from './yaml.ts';

/**
 * Where something of the catalog is written: `['rules', 'WELCOME', 'limit', 1]`. A number is a place in a list; of one
 * thing that is no list it is that thing. What is not written is where the nearest thing around it is.
 */
export type SourceLocator = (path: readonly (string | number)[]) => {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
};

/** The file that each part of a catalog is in. */
const FILES: { readonly [part: string]: string } = {
  events: 'events',
  traits: 'events',
  notifications: 'notifications',
  rules: 'rules',
  groups: 'rules',
};

/** Places in the files of a catalog that could be read. */
export function buildLocator(yaml: ReadonlyMap<string, YamlFile>, texts: ReadonlyMap<string, string>): SourceLocator {
  const starts = new Map<string, readonly number[]>();
  return (path) => {
    const file = yaml.get(FILES[path[0] ?? ''] ?? '');
    if (!file?.root) return { file: `${path[0]}.yaml`, line: 1, column: 1 };
    let lines = starts.get(file.name);
    if (!lines) {
      lines = [0, ...[...(texts.get(file.name) ?? '').matchAll(/\n/g)].map(({ index }) => index + 1)];
      starts.set(file.name, lines);
    }
    const at = offsetOf(file.root, path);
    const line = lines.findLastIndex((start) => start <= at);
    return { file: file.name, line: line + 1, column: at - (lines[line] ?? 0) + 1 };
  };
}

/** Of a mapping its key, of anything else the value. */
function offsetOf(root: Tree, path: readonly (string | number)[]): number {
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
