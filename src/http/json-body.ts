import { isUtf8 } from 'node:buffer';
import { TidingsError } from '../errors.ts';
import type { App } from './app.ts';

/**
 * Accepts bodies in JSON and UTF-8 only; an empty body becomes `undefined`. The error for a body that is not JSON names the
 * position, never the content, which may hold addresses.
 */
export function registerJsonParser(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0) return done(null, undefined);
    if (!isUtf8(bytes)) return done(new TidingsError('invalid_json', 'The body is not UTF-8.'));
    try {
      done(null, JSON.parse(bytes.toString('utf8')));
    } catch (error) {
      const position = /at position \d+( \(line \d+ column \d+\))?/.exec(String(error))?.[0];
      done(new TidingsError('invalid_json', `The body is not valid JSON${position ? `: error ${position}` : ''}.`));
    }
  });
}
