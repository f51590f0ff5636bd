import type { Json } from '../../model/event.ts';
import type { ValuePath } from '../../templates/structure.ts';
import type { Problems } from '../problems.ts';
import { parseYaml, type Tree } from './yaml.ts';

/** A structured part of a template: YAML, or JSON, which is YAML as well. */
export interface StructureFile {
  /** The part as it is stored. */
  readonly json: string;
  /** Every text in it, with the line and column at which it stands, 1-based. */
  readonly texts: readonly { readonly line: number; readonly column: number; readonly text: string }[];
  /** Reports a problem at a value. */
  report(at: ValuePath, message: string, hint?: string): void;
}

/** Returns the part; undefined: it cannot be read, which has been reported. */
export function readStructure(name: string, source: string, problems: Problems): StructureFile | undefined {
  const unquoted = findUnquoted(source);
  if (unquoted) {
    problems.add({
      file: name,
      ...unquoted,
      message: 'a value with {{…}} stands between quotes',
      hint: 'like "{{event.name}}"',
    });
    return undefined;
  }
  const file = parseYaml(name, source, problems);
  const { root } = file;
  if (root === null) return undefined;
  const texts: { line: number; column: number; text: string }[] = [];

  function toJson(tree: Tree): Json {
    switch (tree.kind) {
      case 'map': {
        const members = tree.entries.map(({ key, value, at }) => {
          if (key.includes('{{')) file.report(at, 'a name is no template', 'write it out; only values may have {{…}}');
          return [key, toJson(value)] as const;
        });
        return Object.fromEntries(members);
      }
      case 'list':
        return tree.items.map(toJson);
      case 'text':
        if (tree.text.includes('{{')) texts.push({ ...findLine(source, tree.at), text: tree.text });
        return tree.text;
      case 'null':
        return null;
      default:
        return tree.value;
    }
  }

  const json = JSON.stringify(toJson(root));
  return { json, texts, report: (at, message, hint) => file.report(findValue(root, at).at, message, hint) };
}

/**
 * Returns where a value begins with `{{` and no quote, which YAML takes for a map in a map. Undefined: nowhere, or in a text of
 * several lines, which may have such lines.
 */
function findUnquoted(source: string): { readonly line: number; readonly column: number } | undefined {
  if (/[|>][+-]?\d?\s*$/m.test(source)) return undefined;
  for (const [index, line] of source.split('\n').entries()) {
    const [, before] = /^(\s*(?:- +)*(?:[\w.-]+: +)?)\{\{/.exec(line) ?? [];
    if (before !== undefined && before.trim() !== '') return { line: index + 1, column: before.length + 1 };
  }
  return undefined;
}

function findLine(source: string, at: number): { readonly line: number; readonly column: number } {
  const before = source.slice(0, at);
  const start = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: at - start + 1 };
}

/** Returns the value at a path, or the last one before the path leads nowhere. */
function findValue(root: Tree, path: ValuePath): Tree {
  let tree = root;
  for (const step of path) {
    const next =
      tree.kind === 'list'
        ? tree.items[Number(step)]
        : tree.kind === 'map'
          ? tree.entries.find(({ key }) => key === step)?.value
          : undefined;
    if (!next) return tree;
    tree = next;
  }
  return tree;
}
