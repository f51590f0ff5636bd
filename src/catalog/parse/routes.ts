import { compileCondition } from '../../expressions/condition.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { ACCOUNT_NAME, type Price, type Route, type RouteEntry } from '../../model/route.ts';
import { ROUTE_SCOPE } from '../route-scope.ts';
import { parseEntries, parseFields, parseFilledFields, parseText } from './fields.ts';
import { parsePrices } from './prices.ts';
import { suggest } from './suggest.ts';
import type { Entry, Text, Tree, YamlFile } from './yaml.ts';

const EXAMPLE = 'email: [{ account: main, weight: 80 }, { account: second, weight: 20 }]';
const ENTRY_EXAMPLE = '{ account: main, weight: 80 }';
const ENTRY_KEYS = ['account', 'tier', 'weight', 'when'];

/** Accounts in one route, at most: the accounts that a tenant can have, some of them under several conditions. */
const MAX_ENTRIES = 100;
const MAX_TIER = 10;
const MAX_WEIGHT = 1000;

export interface ParsedRoutes {
  readonly routes?: readonly Route[];
  readonly prices?: readonly Price[];
}

/** Parses routes.yaml: the accounts of each channel, and what providers charge. */
export function parseRoutes(file: YamlFile): ParsedRoutes {
  const top = parseFields(file, file.root!, 'routes.yaml', ['routes', 'prices'], `routes: { ${EXAMPLE} }`);
  const found = top.get('routes');
  const routes = found
    ? parseEntries(file, found.value, '"routes"', EXAMPLE).flatMap((one) => parseRoute(file, one))
    : [];
  const prices = parsePrices(file, top.get('prices'));
  return { ...(routes.length > 0 && { routes }), ...(prices.length > 0 && { prices }) };
}

function parseRoute(file: YamlFile, { key, at, value }: Entry): Route[] {
  const channel = CHANNELS.find((candidate) => candidate === key);
  if (channel === undefined) {
    file.report(at, `${JSON.stringify(key)} is not a channel`, suggest(key, CHANNELS));
    return [];
  }
  const items = value.kind === 'list' ? value.items : value.kind === 'map' ? [value] : [];
  if (items.length === 0) file.report(value.at, `the route of ${channel} has no account`, EXAMPLE);
  if (items.length > MAX_ENTRIES) {
    file.report(value.at, `the route of ${channel} has ${items.length} entries`, `at most ${MAX_ENTRIES} are allowed`);
    return [];
  }
  const seen = new Set<string>();
  return [{ channel, entries: items.flatMap((item) => parseEntry(file, item, seen)) }];
}

/** @param seen the entries before it: account, tier and condition */
function parseEntry(file: YamlFile, tree: Tree, seen: Set<string>): RouteEntry[] {
  const found = parseFilledFields(file, tree, 'an entry of a route', ENTRY_KEYS, ENTRY_EXAMPLE);
  const account = parseAccount(file, tree, found.get('account'));
  const tier = parseWhole(file, found.get('tier'), MAX_TIER) ?? 1;
  const weight = parseWhole(file, found.get('weight'), MAX_WEIGHT) ?? 1;
  const when = parseWhen(file, found.get('when'));
  if (account === undefined) return [];
  const key = `${tier} ${account} ${when ?? ''}`;
  if (seen.has(key)) file.report(tree.at, `the account ${account} is in tier ${tier} twice`, 'remove one of them');
  seen.add(key);
  return [{ account, tier, weight, ...(when === undefined ? {} : { when }) }];
}

function parseAccount(file: YamlFile, tree: Tree, entry: Entry | undefined): string | undefined {
  if (!entry) {
    if (tree.kind === 'map') file.report(tree.at, 'this entry of a route has no account', ENTRY_EXAMPLE);
    return undefined;
  }
  const text = parseText(file, entry.value, '"account"', ENTRY_EXAMPLE);
  if (!text) return undefined;
  if (ACCOUNT_NAME.test(text.text)) return text.text;
  const hint = 'lower-case letters, digits, - and _, as in POST /api/v1/provider-accounts';
  file.report(text.at, `${JSON.stringify(text.text.slice(0, 60))} is not the name of an account`, hint);
  return undefined;
}

/** Parses a whole number from 1. Undefined: it is absent, or wrong, which has been reported. */
function parseWhole(file: YamlFile, entry: Entry | undefined, max: number): number | undefined {
  if (!entry) return undefined;
  const { key, value } = entry;
  const isWhole = value.kind === 'number' && Number.isInteger(value.value) && value.value >= 1 && value.value <= max;
  if (isWhole) return value.value;
  const without = key === 'weight' ? '; to send nothing by an account, remove it' : '';
  file.report(value.at, `"${key}" must be a whole number from 1 to ${max}`, `${key}: 1${without}`);
  return undefined;
}

function parseWhen(file: YamlFile, entry: Entry | undefined): string | undefined {
  const text = entry && parseText(file, entry.value, '"when"', 'when: message.calling_code == "1"');
  if (!text) return undefined;
  const expression = text.text.trim();
  reportProblems(file, text, expression);
  return expression;
}

function reportProblems(file: YamlFile, text: Text, expression: string): void {
  const compiled = compileCondition(expression, ROUTE_SCOPE);
  if (!('problems' in compiled)) return;
  const indent = text.text.length - text.text.trimStart().length;
  for (const { offset, message, hint } of compiled.problems) {
    const comment = text.cutByComment ? 'a # after a space begins a comment: put the whole condition in quotes' : hint;
    file.report(text.offsetOf(offset + indent), message, comment);
  }
}
