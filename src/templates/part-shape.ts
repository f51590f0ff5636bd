import type { Json } from '../model/event.ts';
import type { ValuePath } from './structure.ts';

/** A value of a structured part that no data could make right. */
export interface ShapeProblem {
  readonly at: ValuePath;
  readonly message: string;
  readonly hint: string;
}

/** Fields of the items of a list, with those that each item needs; absent: items may have any. */
const ITEMS: { readonly [part: string]: { readonly known: readonly string[]; readonly needed: readonly string[] } } = {
  actions: { known: ['label', 'url'], needed: ['label', 'url'] },
  attachments: { known: ['url', 'name', 'type', 'content_id'], needed: ['url', 'name'] },
};
const EXAMPLES: { readonly [part: string]: string } = {
  actions: '- { label: Open, url: "https://example.com/{{event.id}}" }',
  attachments: '- { url: "{{event.invoice_url}}", name: invoice.pdf }',
  blocks: '- { type: divider }',
  data: 'screen: payment',
  inbox: 'group: "{{event.order_id}}"',
};

/** Fields of the part `inbox`. */
const INBOX_FIELDS = ['group', 'severity', 'icon', 'url', 'expires_at'];

/**
 * Returns what is wrong with the shape of a structured part (data, inbox, actions, blocks, attachments), in its order. A value that is a
 * template may become anything, and is judged when it is rendered.
 */
export function findShapeProblems(part: string, tree: Json): readonly ShapeProblem[] {
  const hint = EXAMPLES[part] ?? '';
  if (isTemplate(tree)) return [];
  if (part === 'data' || part === 'inbox') {
    if (!isObject(tree)) return [{ at: [], message: `${JSON.stringify(part)} is not a map`, hint }];
    return part === 'data' ? [] : findUnknownFields(tree);
  }
  if (!Array.isArray(tree)) return [{ at: [], message: `${JSON.stringify(part)} is not a list`, hint }];
  return tree.flatMap((item, index): ShapeProblem[] => {
    if (isTemplate(item)) return [];
    if (!isObject(item)) return [{ at: [index], message: `this item of ${JSON.stringify(part)} is not a map`, hint }];
    const { known, needed } = ITEMS[part] ?? {};
    if (known === undefined || needed === undefined) return [];
    const unknown = Object.keys(item).filter((name) => !known.includes(name));
    const missing = needed.filter((name) => !Object.hasOwn(item, name));
    return [
      ...unknown.map((name) => ({
        at: [index, name],
        message: `unknown key ${JSON.stringify(name)} in an item of ${JSON.stringify(part)}`,
        hint: `use ${known.join(', ')}`,
      })),
      ...missing.map((name) => ({
        at: [index],
        message: `this item of ${JSON.stringify(part)} has no ${JSON.stringify(name)}`,
        hint,
      })),
    ];
  });
}

function findUnknownFields(tree: { readonly [name: string]: Json }): readonly ShapeProblem[] {
  return Object.keys(tree)
    .filter((name) => !INBOX_FIELDS.includes(name))
    .map((name) => ({
      at: [name],
      message: `unknown key ${JSON.stringify(name)} in "inbox"`,
      hint: `use ${INBOX_FIELDS.join(', ')}`,
    }));
}

function isTemplate(value: Json): boolean {
  return typeof value === 'string' && value.includes('{{');
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
