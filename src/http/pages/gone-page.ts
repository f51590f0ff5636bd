import type { FastifyError } from 'fastify';
import { TidingsError } from '../../errors.ts';
import { escapeHtml } from '../../lib/text/escape-html.ts';
import { NO_TENANT } from '../../model/tenant.ts';
import type { App } from '../app.ts';
import { sendProblem } from '../error-handlers.ts';
import { renderFrame, sendPage } from './page-frame.ts';
import { findPageTexts } from './page-texts.ts';

/** Languages of a browser that are looked at. */
const MAX_LANGUAGES = 5;

/** Shows a browser a page for a link that leads nowhere; programs get the problem. For the routes of this scope. */
export function showGonePage(app: App): void {
  app.setErrorHandler((error: FastifyError | TidingsError, request, reply) => {
    const isGone = error instanceof TidingsError && error.code === 'not_found';
    if (!isGone || !request.headers.accept?.includes('text/html')) {
      return sendProblem(error as FastifyError, request, reply);
    }
    const texts = findPageTexts(readLanguages(request.headers['accept-language']));
    const html = renderFrame({ texts, tenant: NO_TENANT }, texts.gone, `<p>${escapeHtml(texts.goneText)}</p>`);
    sendPage(reply.status(404), html);
  });
}

function readLanguages(header = ''): string[] {
  const names = header.split(',', MAX_LANGUAGES).map((one) => one.split(';')[0]?.trim() ?? '');
  return names.filter((name) => name !== '' && name !== '*');
}
