import { z } from 'zod';
import type { App } from './app.ts';

const NO_PARAMETERS = z.strictObject({});

/** Without a body, or with an empty object. */
const NO_BODY = z.strictObject({}).nullish();

/**
 * Makes every route of the API that declares no query or no body reject what is sent there: a parameter that has no effect is
 * a mistake of its caller. Call it before the routes are registered.
 */
export function rejectUnknownParameters(app: App): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined) return;
    const hasBody = ['POST', 'PUT', 'PATCH'].includes(String(route.method));
    route.schema = { querystring: NO_PARAMETERS, ...(hasBody && { body: NO_BODY }), ...route.schema };
  });
}
