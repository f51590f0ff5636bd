import { compilePart } from '../../templates/compile.ts';
import { MAX_SOURCE_CHARS } from '../../templates/limits.ts';
import { hideMustaches } from '../../templates/mustaches.ts';
import type { PartProblem } from '../../templates/parse.ts';
import { MjmlThread } from './mjml-thread.ts';

const THREAD = new MjmlThread();

/**
 * Compiles an MJML template to HTML and keeps every `{{…}}`, so that the result is an ordinary `html` part. Takes tens of
 * milliseconds, and is therefore done once, when a catalog is parsed. Accesses no file and no network.
 */
export async function compileMjml(
  source: string,
  { variables, thread = THREAD }: { readonly variables?: ReadonlySet<string>; readonly thread?: MjmlThread } = {},
): Promise<{ readonly html: string } | { readonly problems: readonly PartProblem[] }> {
  if (source.length > MAX_SOURCE_CHARS) return toProblem(`the template is longer than ${MAX_SOURCE_CHARS} characters`);
  // The expressions are checked in the MJML text, whose lines and columns the author knows.
  const expressions = compilePart(source, { html: true, locale: 'en', variables });
  if ('problems' in expressions) return expressions;
  const include = /<mj-include\b/i.exec(source);
  if (include) return toProblem('`<mj-include>` is not supported', source.slice(0, include.index).split('\n').length);

  const hidden = hideMustaches(source);
  const result = await thread.toHtml(hidden.text, {
    validationLevel: 'soft',
    ignoreIncludes: true,
    keepComments: false,
    // Web fonts would make each recipient's mail client send a request to a third party.
    fonts: {},
  });
  if ('failure' in result) return toProblem(hidden.restore(result.failure));
  if (result.errors.length > 0) {
    return {
      problems: result.errors.map(({ tagName, message, line }) => ({
        message: `<${tagName}>: ${hidden.restore(message).trim()}`,
        line: line || 1,
        column: 1,
      })),
    };
  }
  const lost = hidden.lost(result.html);
  if (lost.length > 0) {
    return {
      problems: lost.map(({ mustache, line, column }) => ({
        message: `MJML drops \`${mustache}\` here`,
        hint: 'between MJML tags write `<mj-raw>{{#…}}</mj-raw>`',
        line,
        column,
      })),
    };
  }
  return { html: hidden.restore(removeIndentation(result.html)) };
}

/** Removes the indentation that MJML writes: a third of its output, which every message would carry. */
function removeIndentation(html: string): string {
  if (/<(?:pre|textarea)\b/i.test(html)) return html;
  // Works by lines: a pattern for blanks around a line break takes quadratic time on a long run of blanks.
  const lines = html.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('\n');
}

function toProblem(message: string, line = 1): { readonly problems: readonly PartProblem[] } {
  return { problems: [{ message, line, column: 1 }] };
}
