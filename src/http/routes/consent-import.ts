import type { App, HttpDependencies } from '../app.ts';
import { ConsentImport } from '../consent-import.ts';
import { keepNdjsonStreams, NDJSON, readNdjson, toNdjson } from '../ndjson.ts';
import { consentImportAnswer, consentLines } from '../schemas/consents.ts';

/** The import of consents, in a scope of its own: its body is a stream. */
export function registerConsentImportRoute(app: App, parts: HttpDependencies): void {
  const imports = new ConsentImport(parts);
  void app.register(async (scoped) => {
    const own = scoped as unknown as App;
    keepNdjsonStreams(own);
    own.post(
      '/api/v1/consents/import',
      {
        config: {
          scope: 'preferences:write',
          mediaType: NDJSON,
          idempotent: false,
          errors: ['payload_too_large', 'overloaded'],
        },
        schema: {
          operationId: 'importConsents',
          summary:
            'Import consents that were given elsewhere, as a stream of lines of JSON; a grant undoes no withdrawal',
          tags: ['preferences'],
          consumes: [NDJSON],
          body: consentLines,
          response: { 200: consentImportAnswer },
        },
      },
      async (request, reply) => {
        const { errors, summary } = await imports.run(request.principal, readNdjson(request));
        return reply.type(NDJSON).send(toNdjson([...errors, summary]));
      },
    );
  });
}
