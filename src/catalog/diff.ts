import { isDeepStrictEqual } from 'node:util';
import type { CatalogData } from '../model/catalog.ts';
import type { Json } from '../model/event.ts';

/** A part of a catalog that was added, removed or changed. */
export interface Difference {
  readonly part:
    | 'event'
    | 'traits'
    | 'mapping'
    | 'notification'
    | 'variables'
    | 'rule'
    | 'group'
    | 'segment'
    | 'template'
    | 'template_test'
    | 'route'
    | 'price'
    | 'source'
    | 'sink'
    | 'preferences'
    | 'connector';
  /**
   * Name of the part: `traits` for traits, `mapping` for the mapping, `variables` for the variables of all templates,
   * `TYPE/CHANNEL.LOCALE` or `TYPE/CHANNEL.LOCALE@VARIANT` for a template, `TYPE/CHANNEL` for a test of variants, the channel
   * for a route, and for a price `PROVIDER/CHANNEL from DAY`, or `PROVIDER/CHANNEL +CODE from DAY`; for preferences the
   * section.
   */
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** The fields of a changed part that differ, ordered by name. A field that is absent on one side is null there. */
  readonly fields?: readonly { readonly field: string; readonly from: Json; readonly to: Json }[];
}

/** Returns the differences that turn `from` into `to`, by kind of part and then by name. */
export function diffCatalogs(from: CatalogData, to: CatalogData): Difference[] {
  return [
    ...compareParts('event', byName(from.events), byName(to.events)),
    ...compareParts('traits', getTraits(from), getTraits(to)),
    ...compareParts('mapping', getMapping(from), getMapping(to)),
    ...compareParts('notification', byName(from.notifications), byName(to.notifications)),
    ...compareParts('variables', getVariables(from), getVariables(to)),
    ...compareParts('group', byName(from.groups), byName(to.groups)),
    ...compareParts('segment', byName(from.segments), byName(to.segments)),
    ...compareParts('rule', byName(from.rules), byName(to.rules)),
    ...compareParts('template', getTemplates(from), getTemplates(to)),
    ...compareParts('template_test', getTests(from), getTests(to)),
    ...compareParts('route', getRoutes(from), getRoutes(to)),
    ...compareParts('price', getPrices(from), getPrices(to)),
    ...compareParts('source', byName(from.sources ?? []), byName(to.sources ?? [])),
    ...compareParts('sink', byName(from.sinks ?? []), byName(to.sinks ?? [])),
    ...compareParts('preferences', getPreferences(from), getPreferences(to)),
    ...compareParts('connector', byName(from.connectors), byName(to.connectors)),
  ];
}

/** Parts of one kind, by name. */
type Parts = ReadonlyMap<string, object>;

function compareParts(part: Difference['part'], from: Parts, to: Parts): Difference[] {
  const differences: Difference[] = [];
  for (const name of [...new Set([...from.keys(), ...to.keys()])].sort()) {
    const before = from.get(name);
    const after = to.get(name);
    if (before === undefined) differences.push({ part, name, change: 'added' });
    else if (after === undefined) differences.push({ part, name, change: 'removed' });
    else if (!isDeepStrictEqual(before, after)) {
      differences.push({ part, name, change: 'changed', fields: compareFields(before, after) });
    }
  }
  return differences;
}

function compareFields(before: object, after: object): NonNullable<Difference['fields']> {
  const from = before as { readonly [field: string]: Json };
  const to = after as { readonly [field: string]: Json };
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .sort()
    .filter((field) => !isDeepStrictEqual(from[field], to[field]))
    .map((field) => ({ field, from: from[field] ?? null, to: to[field] ?? null }));
}

function getVariables({ variables }: CatalogData): Parts {
  return new Map(variables ? [['variables', variables]] : []);
}

function byName(parts: readonly { readonly name: string }[] = []): Parts {
  return new Map(parts.map((part) => [part.name, part]));
}

function getTraits({ traits }: CatalogData): Parts {
  return new Map(traits ? [['traits', traits]] : []);
}

function getMapping({ mapping }: CatalogData): Parts {
  return new Map(mapping ? [['mapping', mapping]] : []);
}

function getTemplates({ templates }: CatalogData): Parts {
  return new Map(
    templates.map(({ notificationType, channel, locale, variant, parts, variables }) => [
      `${notificationType}/${channel}.${variant === undefined ? locale : `${locale}@${variant}`}`,
      variables ? { ...parts, variables } : parts,
    ]),
  );
}

function getTests({ tests = [] }: CatalogData): Parts {
  return new Map(
    tests.map(({ notificationType, channel, id, shares }) => [`${notificationType}/${channel}`, { id, shares }]),
  );
}

function getRoutes({ routes = [] }: CatalogData): Parts {
  return new Map(routes.map((route) => [route.channel, { entries: route.entries }]));
}

/** Sections of the policy, each with its entries as fields. */
function getPreferences({ preferences }: CatalogData): Parts {
  const sections = Object.entries(preferences ?? {}).filter(([, value]) => !isEmpty(value));
  return new Map(
    sections.map(([name, value]) => [SECTIONS[name] ?? name, typeof value === 'object' ? value : { value }]),
  );
}

const SECTIONS: { readonly [name: string]: string } = {
  doubleOptIn: 'consent double_opt_in',
  legalHours: 'legal_hours',
  quietHours: 'quiet_hours',
  holdSpread: 'hold_spread',
  digestTime: 'digest_times',
  capsPass: 'caps pass',
};

function isEmpty(value: unknown): boolean {
  return value === 0 || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function getPrices({ prices = [] }: CatalogData): Parts {
  return new Map(
    prices.map(({ provider, channel, callingCode, from, amount, currency }) => {
      const code = callingCode === undefined ? '' : ` +${callingCode}`;
      return [`${provider}/${channel}${code} from ${from}`, { amount, currency }];
    }),
  );
}
