import { isDeepStrictEqual } from 'node:util';
import type { CatalogData } from '../model/catalog.ts';
import type { Json } from '../model/event.ts';

/** One thing that two catalogs have differently. */
export interface Difference {
  readonly part: 'event' | 'traits' | 'notification' | 'rule' | 'group' | 'template';
  /** Of a template: `TYPE/CHANNEL.LOCALE`. */
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Of something changed: its fields that differ, in order of name. Absent on one side: null. */
  readonly fields?: readonly { readonly field: string; readonly from: Json; readonly to: Json }[];
}

/** What has to be done to `from` to make it `to`, part by part, in order of name. */
export function diffCatalogs(from: CatalogData, to: CatalogData): Difference[] {
  return [
    ...compare('event', named(from.events), named(to.events)),
    ...compare('traits', traits(from), traits(to)),
    ...compare('notification', named(from.notifications), named(to.notifications)),
    ...compare('group', named(from.groups), named(to.groups)),
    ...compare('rule', named(from.rules), named(to.rules)),
    ...compare('template', templates(from), templates(to)),
  ];
}

type Things = ReadonlyMap<string, object>;

function compare(part: Difference['part'], from: Things, to: Things): Difference[] {
  const found: Difference[] = [];
  for (const name of [...new Set([...from.keys(), ...to.keys()])].sort()) {
    const before = from.get(name);
    const after = to.get(name);
    if (before === undefined) found.push({ part, name, change: 'added' });
    else if (after === undefined) found.push({ part, name, change: 'removed' });
    else if (!isDeepStrictEqual(before, after)) {
      found.push({ part, name, change: 'changed', fields: fieldsOf(before, after) });
    }
  }
  return found;
}

function fieldsOf(before: object, after: object): NonNullable<Difference['fields']> {
  const one = before as { readonly [field: string]: Json };
  const other = after as { readonly [field: string]: Json };
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .sort()
    .filter((field) => !isDeepStrictEqual(one[field], other[field]))
    .map((field) => ({ field, from: one[field] ?? null, to: other[field] ?? null }));
}

function named(things: readonly { readonly name: string }[] = []): Things {
  return new Map(things.map((thing) => [thing.name, thing]));
}

function traits(data: CatalogData): Things {
  return new Map(data.traits ? [['traits', data.traits]] : []);
}

function templates(data: CatalogData): Things {
  return new Map(
    data.templates.map((one) => [`${one.notificationType}/${one.channel}.${one.locale}`, one.parts] as const),
  );
}
