/** Random templates of the subset of Handlebars that Tidings has, and random data for them. */
import fc from 'fast-check';
import type { JsonObject } from './template-engines.ts';
import {
  type BlockNode,
  type Branch,
  type Call,
  type Expression,
  type Literal,
  type Node,
  type Path,
  ROOTS,
  writeTemplate,
} from './template-nodes.ts';

/** `constructor` and `__proto__` are keys like any other, if the data has them. */
const RARE_KEYS = ['c', 'two words', 'constructor', '__proto__'];
const KEYS = ['a', 'b', ...RARE_KEYS];

const TEXTS = [
  ...['', ' ', '\n', '\n\n', '  \n', '\t', 'word', ' two words ', 'a\nb', '\r\n', 'ü 👍'],
  ...[
    '<p title="',
    '">',
    "'",
    '&amp;',
    ' }} ',
    '\\{{event.a}} ',
    '\\\\',
    '{{! note }}',
    '{{!-- {{x}} --}}\n',
    '{{~! note ~}}',
  ],
];

const flag = rarely(fc.constant(true), fc.constant(false));
const trim = fc.tuple(flag, flag);

/** One time in five. */
function rarely<T>(rare: fc.Arbitrary<T>, usual: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

const key = rarely(fc.constantFrom(...RARE_KEYS), fc.constantFrom('a', 'b'));

function pathFrom(from: fc.Arbitrary<Path['from']>): fc.Arbitrary<Path> {
  return fc.record({
    kind: fc.constant('path'),
    from,
    choice: fc.nat(7),
    keys: rarely<readonly string[]>(fc.tuple(key, key), fc.tuple(key)),
  });
}

const path = pathFrom(fc.constantFrom('here', 'here', 'this', 'up', 'root', 'name', 'loop'));

const literal: fc.Arbitrary<Literal> = fc.record({
  kind: fc.constant('literal'),
  text: fc.constantFrom('"a"', "'<b>'", '"say \\"x\\""', "''", '0', '1', '-2.5', 'true', 'false', 'null', 'undefined'),
});

const CALLS: readonly { readonly helper: string; readonly params: number; readonly option?: string }[] = [
  ...['eq', 'ne', 'gt', 'lte', 'and', 'or', 'default'].map((helper) => ({ helper, params: 2 })),
  ...['not', 'upper', 'lower'].map((helper) => ({ helper, params: 1 })),
  { helper: 'and', params: 3 },
  { helper: 'number', params: 1, option: 'digits' },
];

const { expression, call } = fc.letrec<{ expression: Expression; call: Call }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 2 },
    { weight: 5, arbitrary: path },
    { weight: 2, arbitrary: literal },
    { weight: 2, arbitrary: tie('call') },
  ),
  call: fc.constantFrom(...CALLS).chain(({ helper, params, option }) =>
    fc.record({
      kind: fc.constant('call' as const),
      helper: fc.constant(helper),
      params: fc.array(tie('expression'), { minLength: params, maxLength: params }),
      options:
        option === undefined
          ? fc.constant([])
          : fc.tuple(fc.tuple(fc.constant(option), rarely(tie('expression'), literal))),
    }),
  ),
}));

const text: fc.Arbitrary<Node> = fc.record({ kind: fc.constant('text'), text: fc.constantFrom(...TEXTS) });

const mustache: fc.Arbitrary<Node> = fc.record({
  kind: fc.constant('mustache'),
  value: rarely<Path | Call>(call, path),
  raw: rarely(fc.constantFrom('{', '&'), fc.constant('')),
  trim,
});

const { nodes } = fc.letrec<{ nodes: readonly Node[]; block: BlockNode; branch: Branch }>((tie) => ({
  nodes: fc.array(
    fc.oneof(
      { maxDepth: 4, depthIdentifier: 'block' },
      { weight: 2, arbitrary: text },
      { weight: 3, arbitrary: mustache },
      { weight: 4, arbitrary: tie('block') },
    ),
    { minLength: 1, maxLength: 3 },
  ),
  block: fc.record({
    kind: fc.constant('block'),
    block: fc.constantFrom('if', 'unless', 'each', 'each', 'with'),
    inverted: flag,
    subject: rarely(expression, pathFrom(fc.constant('here'))),
    names: fc.uniqueArray(fc.constantFrom('p', 'q', 'a'), { maxLength: 2 }),
    body: tie('nodes'),
    branches: rarely<readonly Branch[]>(fc.array(tie('branch'), { minLength: 1, maxLength: 2 }), fc.constant([])),
    trim,
    closingTrim: trim,
  }),
  branch: fc.record({ condition: fc.option(expression, { nil: undefined }), body: tie('nodes'), trim }),
}));

/** Returns templates that Tidings accepts as a part of the kind. */
export function randomTemplate(html: boolean): fc.Arbitrary<string> {
  return nodes.map((all) => writeTemplate(all, html));
}

const { object } = fc.letrec<{ value: unknown; list: unknown[]; object: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('', 'a', '<b>&"\'`=</b>', '1', ' x\n', 'ü 👍', '{{event.a}}', 0, 1, -2.5, 1e21, true, false),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc
    .tuple(
      fc.record({ a: tie('value'), b: tie('value') }),
      fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 2 }),
    )
    .map(([usual, more]) => ({ ...usual, ...more })),
}));

/**
 * Returns objects with `event` and `user`. Only the fields of these two may be null, because Handlebars treats null in a loop
 * in a way of its own.
 */
export function randomData(): fc.Arbitrary<JsonObject> {
  const [event, user] = ROOTS;
  const nothing = rarely(fc.constant({ c: null }), fc.constant({}));
  const root = fc.tuple(object, nothing).map(([fields, more]) => ({ ...fields, ...more }));
  const roots = fc.record({ [event]: root, [user]: root });
  // Parsed from JSON, as events are: `__proto__` is a key there.
  return roots.map((data) => JSON.parse(JSON.stringify(data)));
}
