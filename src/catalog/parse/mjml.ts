import { compilePart } from '../../templates/compile.ts';
import { MAX_SOURCE } from '../../templates/limits.ts';
import { hideMustaches } from '../../templates/mustaches.ts';
import type { PartProblem } from '../../templates/parse.ts';
import { MjmlThread } from './mjml-thread.ts';

const THREAD = new MjmlThread();

/**
 * MJML to the HTML of an e-mail, with every `{{…}}` kept: the result is an ordinary `html` part.
 * Slow (tens of milliseconds), so it is done once, when a catalog is read. No file and no network is touched.
 */
export async function compileMjml(
  source: string,
  thread = THREAD,
): Promise<{ readonly html: string } | { readonly problems: readonly PartProblem[] }> {
  if (source.length > MAX_SOURCE) return one(`this is longer than ${MAX_SOURCE} characters`);
  // The braces are checked here, where line and column are the author's own.
  const braces = compilePart(source, { html: true, locale: 'en' });
  if ('problems' in braces) return braces;
  const include = /<mj-include\b/i.exec(source);
  if (include) return one('`<mj-include>` is not available', source.slice(0, include.index).split('\n').length);

  const hidden = hideMustaches(source);
  const result = await thread.toHtml(hidden.text, {
    validationLevel: 'soft',
    ignoreIncludes: true,
    keepComments: false,
    // Web fonts would make every reader's mail client call a stranger.
    fonts: {},
  });
  if ('failure' in result) return one(hidden.restore(result.failure));
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
        message: `\`${mustache}\` gets lost here`,
        hint: 'between MJML tags write `<mj-raw>{{#…}}</mj-raw>`',
        line,
        column,
      })),
    };
  }
  return { html: hidden.restore(withoutIndentation(result.html)) };
}

/** A third of what MJML writes is indentation, which every message would carry. */
function withoutIndentation(html: string): string {
  if (/<(?:pre|textarea)\b/i.test(html)) return html;
  // By lines: a pattern for blanks around a line break tries a long row of blanks again from each of them.
  const lines = html.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('\n');
}

function one(message: string, line = 1): { readonly problems: readonly PartProblem[] } {
  return { problems: [{ message, line, column: 1 }] };
}
