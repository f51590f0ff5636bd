/** The one file of the template conformance test that imports the template engine, beside Handlebars itself. */
import Handlebars from 'handlebars';
import { compilePart } from '../../src/templates/compile.ts';
import { HELPERS } from '../../src/templates/helpers.ts';

export type JsonObject = Parameters<Extract<ReturnType<typeof compilePart>, { part: unknown }>['part']>[0];

export interface Rendering {
  readonly source: string;
  readonly data: JsonObject;
  /** Set for an HTML part, whose values are escaped. */
  readonly html: boolean;
}

const LOCALE = 'en';

/** Renders one part with the engine of Tidings, before it is tidied. Throws, with the messages, if the source is rejected. */
export function renderPart({ source, data, html }: Rendering): string {
  const compiled = compilePart(source, { html, locale: LOCALE });
  if ('part' in compiled) return compiled.part(data);
  throw new Error(`${JSON.stringify(source)}: ${compiled.problems.map(({ message }) => message).join('; ')}`);
}

/** Renders the same with Handlebars, which has the helpers of Tidings, but its own blocks and its own `lookup`. */
export function renderWithHandlebars({ source, data, html }: Rendering): string {
  return keepEquals(handlebars.compile(source, { noEscape: !html })(data, OWN_PROPERTIES));
}

/** Handlebars escapes `=` everywhere; Tidings does so only in an attribute without quotes, which alone needs it. */
function keepEquals(rendered: string): string {
  return rendered.replaceAll('&#x3D;', '=');
}

/**
 * Renders with Handlebars as well, but without three of the departures that handlebars.test.ts lists, because they would show
 * in most templates: lists and objects have the text that Tidings gives them, and adjacent numbers are not added.
 */
export function renderWithAdjustedHandlebars({ source, data, html }: Rendering): string {
  const tree = Handlebars.parse(source);
  separateValues(tree);
  return keepEquals(handlebars.compile(tree, { noEscape: !html })(withListText(data), OWN_PROPERTIES))
    .replaceAll(SEPARATOR, '')
    .replaceAll('[object Object]', '');
}

const OWN_PROPERTIES = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };

const handlebars = Handlebars.create();
for (const [name, helper] of Object.entries(HELPERS)) {
  if (name === 'lookup') continue;
  handlebars.registerHelper(name, (...params: unknown[]) => {
    const { hash } = params.pop() as Handlebars.HelperOptions;
    return helper.call(params as Parameters<typeof helper.call>[0], hash, LOCALE);
  });
}

/** A private character, in no template and no data. It makes Handlebars concatenate text instead of adding numbers. */
const SEPARATOR = '\uE000';

function separateValues(program: hbs.AST.Program | undefined): void {
  if (program === undefined) return;
  program.body = program.body.flatMap((statement) => {
    if (statement.type === 'BlockStatement') {
      separateValues((statement as hbs.AST.BlockStatement).program);
      separateValues((statement as hbs.AST.BlockStatement).inverse);
    }
    if (statement.type !== 'MustacheStatement') return [statement];
    const content = { type: 'ContentStatement', value: SEPARATOR, original: SEPARATOR, loc: statement.loc };
    return [content, statement];
  });
}

/** Returns a copy in which a list converts to text as in Tidings: `a, b`, without objects and lists in it. */
function withListText<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withListText(item)])) as T;
  }
  const list = value.map(withListText);
  const text = list.filter((item) => typeof item !== 'object').join(', ');
  return Object.defineProperty(list, 'toString', { value: () => text }) as T;
}
