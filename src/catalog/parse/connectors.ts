import { z } from 'zod';
import { parsePath } from '../../events/envelopes/path.ts';
import { compileExpression } from '../../expressions/condition.ts';
import {
  type AnswerList,
  type AnswerValue,
  CARD_PADDINGS,
  CONNECTOR_KINDS,
  type Connector,
  PRODUCT_KINDS,
} from '../../model/connector.ts';
import type { Millis } from '../../model/event.ts';
import { parseDuration } from '../../time/duration.ts';
import { checkName, parseEntries, parseFields } from './fields.ts';
import { parseConditionField } from './rules/expressions.ts';
import { type CatalogSymbols, RuleContext } from './rules/rule-context.ts';
import { suggest } from './suggest.ts';
import { type Entry, type Tree, toJson, type YamlFile } from './yaml.ts';

const EXAMPLE =
  'upstream: { kind: customer-import, on: product_status_changed, url: "https://core.example.com", path: "/customers/{user_id}" }';

/** Connectors of a catalog, at most. */
const MAX_CONNECTORS = 20;
/** Longest time for one call: a worker holds a task for as long. */
const LONGEST_TIMEOUT_MS: Millis = 30_000;
const MAX_ATTEMPTS = 50;
const MAX_LIST_FIELDS = 60;

const duration = (longest: Millis) =>
  z.string().transform((text, { addIssue }): Millis => {
    const parsed = parseDuration(text);
    if ('ms' in parsed && parsed.ms <= longest) return parsed.ms;
    addIssue('ms' in parsed ? `${text} is more than ${longest / 1000}s` : `${parsed.message}; ${parsed.hint}`);
    return z.NEVER;
  });

const url = z
  .string()
  .max(1024)
  .refine(
    (text) => /^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text),
    'write a URL without a path, such as https://core.example.com',
  )
  .transform((text) => text.replace(/\/$/, ''));
/** A path with `{name}` in the place of a value, or without any. */
const pathWith = (name?: 'user_id' | 'product_id' | 'reference') =>
  z
    .string()
    .max(1024)
    .superRefine((text, { addIssue }) => {
      const example = name === undefined ? '/api/v1/cm/get_card_list' : `/api/v1/customers/{${name}}`;
      if (/[\s#]/.test(text)) return addIssue(`write a path such as ${example}`);
      const places = [...text.matchAll(/\{([^}]*)\}/g)].map(([, one = '']) => one);
      const other = places.find((one) => one !== name);
      const known = name === undefined ? 'this path has no place' : `here it is {${name}}`;
      if (other !== undefined) addIssue(`{${other.slice(0, 60)}} is the place of nothing: ${known}`);
      else if (name !== undefined && places.length === 0)
        addIssue(`{${name}} is missing: write a path such as ${example}`);
    })
    .transform((text) => (text.startsWith('/') ? text : `/${text}`));
const path = pathWith();
const header = z.string().regex(/^[A-Za-z][\w-]{0,63}$/, 'write the name of a header, such as x-avant-authorization');

const jsonPath = z.string().superRefine((text, { addIssue }) => {
  const parsed = parsePath(text);
  if ('problem' in parsed) addIssue(`${parsed.problem}; as in data.email or cards[0].reference`);
});
const value: z.ZodType<AnswerValue> = z.union([
  z.string().transform((cel, { addIssue }) => {
    const compiled = compileExpression(cel, { roots: ['event'] });
    if ('problems' in compiled) addIssue(compiled.problems[0]?.message ?? 'this is no expression');
    return { cel };
  }),
  z.strictObject({ from: z.union([jsonPath.transform((one) => [one]), z.array(jsonPath).min(1).max(8)]) }),
]);

/** A list of the answer, and values of its items. */
const listOf = <Field extends string>(fields: readonly Field[], required: readonly Field[]) =>
  z
    .strictObject({ list: value, ...(Object.fromEntries(fields.map((name) => [name, value.optional()])) as object) })
    .transform((written, { addIssue }): AnswerList<Field> => {
      const { list, ...found } = written as { readonly list: AnswerValue } & { readonly [name: string]: AnswerValue };
      for (const name of required) if (!found[name]) addIssue(`"${name}" is missing`);
      return { list, fields: found as AnswerList<Field>['fields'] };
    });

const auth = z
  .strictObject({
    scheme: z.enum(['jwt', 'key']).default('jwt'),
    header: header.default('authorization'),
    prefix: z.string().max(40).optional(),
    issuer: z.string().min(1).max(200).default('tidings'),
    audience: z.string().min(1).max(200).optional(),
    lifetime: duration(3_600_000).default(60_000),
  })
  .transform(({ prefix, ...rest }) => ({
    ...rest,
    prefix: prefix ?? (rest.header.toLowerCase() === 'authorization' ? 'Bearer ' : ''),
  }));

const retry = z.strictObject({
  attempts: z.int().min(1).max(MAX_ATTEMPTS).default(10),
  first: duration(3_600_000).default(5000),
  longest: duration(86_400_000).default(3_600_000),
});

const base = {
  description: z.string().max(1000).optional(),
  url,
  timeout: duration(LONGEST_TIMEOUT_MS).default(10_000),
  retry: retry.prefault({}),
  auth: auth.prefault({}),
};

const customerImport = z
  .strictObject({
    kind: z.literal('customer-import'),
    on: z.string(),
    when: z.string().optional(),
    ...base,
    path: pathWith('user_id'),
    traits: z
      .record(z.string().min(1).max(128), value)
      .refine(
        (traits) => Object.keys(traits).length <= MAX_LIST_FIELDS,
        `at most ${MAX_LIST_FIELDS} traits are allowed`,
      )
      .default({}),
    products: listOf(['id', 'product', 'status'], ['id', 'product']).optional(),
    toggles: listOf(['type', 'enabled', 'channel'], ['type', 'enabled']).optional(),
    register_cards: z.union([z.string().transform((one) => [one]), z.array(z.string()).max(5)]).default([]),
  })
  .transform(({ register_cards: registers, ...rest }) => ({ ...rest, registers }));

const cardRegistration = z
  .strictObject({
    kind: z.literal('card-registration'),
    mode: z.enum(['upstream', 'network']),
    ...base,
    path: path.optional(),
    products: z.array(z.enum(PRODUCT_KINDS)).min(1).default(['CREDIT']),
    network: z
      .strictObject({
        accounts: z.strictObject({
          ...{ url, path: pathWith('product_id') },
          reference: jsonPath.default('credit_cards[0].first_data_credit_card_reference'),
          cache: duration(86_400_000).optional(),
        }),
        gateway: z.strictObject({ url, path: path.default('/cm/api/v2.0/cm/register_valid_user') }).optional(),
        numbers: z
          .strictObject({
            url,
            path: pathWith('reference'),
            field: z.string().min(1).max(64).default('credit_card_number'),
          })
          .optional(),
        padding: z.enum(CARD_PADDINGS).default('oaep-sha256'),
        language: z.string().max(20).default('us-en'),
      })
      .optional(),
    calls: z
      .strictObject({
        get_card_list: path.default('/api/v1/cm/get_card_list'),
        set_card_policy: path.default('/api/v1/cm/set_card_policy'),
      })
      .prefault({}),
    subscriber_field: z.string().min(1).max(64).default('subscriberReferenceId'),
  })
  .transform(({ subscriber_field, path: written, ...rest }, { addIssue }) => {
    if ((rest.mode === 'network') !== (rest.network !== undefined)) {
      addIssue('"network" says how the card network is reached in mode network, and in no other one');
    }
    if (rest.network && (rest.network.gateway === undefined) === (rest.network.numbers === undefined)) {
      addIssue('"network" needs either "gateway", or "numbers" by which Tidings finds a card number');
    }
    const usual =
      rest.mode === 'upstream'
        ? '/api/v1/cm/register_valid_user'
        : '/fiserver/cbes/perform.do?opId=REGISTER_VALID_USER';
    return { ...rest, path: written ?? usual, subscriberField: subscriber_field };
  });

/** Parses connectors.yaml: connections to other services. */
export function parseConnectors(file: YamlFile, symbols: CatalogSymbols): Connector[] {
  const top = parseFields(file, file.root!, 'connectors.yaml', ['connectors'], `connectors: { ${EXAMPLE} }`);
  const entry = top.get('connectors');
  const entries = entry ? parseEntries(file, entry.value, '"connectors"', EXAMPLE) : [];
  if (entries.length > MAX_CONNECTORS) {
    file.report(
      entries[MAX_CONNECTORS]!.at,
      `there are ${entries.length} connectors`,
      `at most ${MAX_CONNECTORS} are allowed`,
    );
    return [];
  }
  const ctx = new RuleContext(file, symbols, [], []);
  const parsed = entries.flatMap((one) => parseConnector(ctx, one) ?? []);
  for (const { name, ...connector } of parsed) {
    if (connector.kind !== 'customer-import') continue;
    for (const next of connector.registers) {
      if (parsed.some((other) => other.name === next && other.kind === 'card-registration')) continue;
      const at = findNode(entries.find(({ key }) => key === name)!.value, ['register_cards']).at;
      const names = parsed.filter(({ kind }) => kind === 'card-registration').map((one) => one.name);
      file.report(at, `no card registration is called ${JSON.stringify(next.slice(0, 60))}`, suggest(next, names));
    }
  }
  return parsed;
}

function parseConnector(ctx: RuleContext, entry: Entry): Connector | undefined {
  const { key: name, value: tree } = entry;
  checkName(ctx.file, entry, EXAMPLE);
  const written = toJson(tree) as { readonly kind?: unknown } | null;
  const kind = CONNECTOR_KINDS.find((one) => one === written?.kind);
  if (kind === undefined) {
    ctx.file.report(entry.at, `${name} has no kind of connector`, `kind: ${CONNECTOR_KINDS.join(' or kind: ')}`);
    return undefined;
  }
  const checked = (kind === 'customer-import' ? customerImport : cardRegistration).safeParse(written);
  if (!checked.success) {
    for (const issue of checked.error.issues) {
      const where = [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
      const text = issue.code === 'unrecognized_keys' ? 'this key is not known here' : issue.message;
      ctx.file.report(findNode(tree, where).at, `${where.join('.') || name}: ${text}`);
    }
    return undefined;
  }
  const connector = { name, ...checked.data } as Connector;
  if (connector.kind !== 'customer-import') return connector;
  checkTraits(ctx, tree, Object.keys(connector.traits));
  return checkTrigger(ctx, tree, connector);
}

/** Reports traits that events.yaml does not declare, where it declares any. */
function checkTraits({ file, traits }: RuleContext, tree: Tree, names: readonly string[]): void {
  if (traits === undefined) return;
  const declared = Object.keys((traits.properties ?? {}) as object);
  for (const name of names.filter((one) => !declared.includes(one))) {
    const at = findNode(tree, ['traits', name]).at;
    file.report(at, `events.yaml declares no trait ${JSON.stringify(name.slice(0, 60))}`, suggest(name, declared));
  }
}

/** Checks the event type and the condition of an import. */
function checkTrigger<One extends { readonly on: string; readonly when?: string }>(
  ctx: RuleContext,
  tree: Tree,
  connector: One,
): One {
  const find = (name: string) => (tree.kind === 'map' ? tree.entries.find(({ key }) => key === name) : undefined);
  const on = find('on');
  if (on?.value.kind === 'text') ctx.parseEvent(on.value);
  const when = find('when');
  if (when)
    parseConditionField(
      ctx,
      when,
      { types: [connector.on], roots: ['event', 'traits'] },
      'when: event.status == "approved"',
    );
  return connector;
}

/** Returns the part of a tree at a path, or the nearest part around it. */
function findNode(tree: Tree, steps: readonly PropertyKey[]): Tree {
  let found = tree;
  for (const step of steps) {
    const next =
      found.kind === 'map'
        ? found.entries.find(({ key }) => key === step)?.value
        : found.kind === 'list'
          ? found.items[Number(step)]
          : undefined;
    if (!next) return found;
    found = next;
  }
  return found;
}
