import fastifySwagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { App } from './app.ts';

/** The page starts itself with an inline script. */
const DOCS_CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:";

/** Serves the OpenAPI document and its page at `/api/docs`. Call it before the routes are registered. */
export async function registerApiDocs(app: App): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tidings',
        version: '1',
        description: 'Event-driven notifications that explain why they were sent, and why not.',
      },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(scalar, {
    routePrefix: '/api/docs',
    // Without the parts that contact other servers: fonts, telemetry and the vendor's buttons (share, SDK, client).
    configuration: {
      pageTitle: 'Tidings API',
      withDefaultFonts: false,
      showDeveloperTools: 'never',
      hideClientButton: true,
      telemetry: false,
    },
    hooks: {
      onRequest: (_request, reply, done) => {
        reply.header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY);
        done();
      },
    },
  });
}
