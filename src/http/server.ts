import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import { parse } from 'node:querystring';
import fastifyStatic from '@fastify/static';
import fastifySwagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { TidingsError } from '../errors.ts';
import type { App, HttpDependencies } from './app.ts';
import { auditRoutes } from './audit.ts';
import { authenticate } from './auth.ts';
import { catalogRoutes } from './catalog.ts';
import { deliveryRoutes } from './deliveries.ts';
import { eventRoutes } from './events.ts';
import { explainRoutes } from './explain.ts';
import { registerSecurityHeaders } from './headers.ts';
import { healthRoutes } from './health.ts';
import { answerClientError, answerError, registerErrorHandlers } from './problem.ts';
import { waitRoutes } from './waits.ts';

/** In milliseconds; as answerClientError says. */
const REQUEST_TIMEOUT = 60_000;

/** The HTTP side: one file a resource, registered below in the order a reader wants them. */
export async function buildServer(parts: HttpDependencies): Promise<App> {
  const app: App = Fastify({
    loggerInstance: parts.log as FastifyBaseLogger,
    // A line per request would hold user ids in URLs; errors are logged where they are answered.
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would cost more than reading it.
    childLoggerFactory: (log: FastifyBaseLogger) => log,
    // What fails before there is a route, such as a path with a lone %.
    frameworkErrors: answerError,
    clientErrorHandler: answerClientError,
    // Until a request is complete; without this, one that stops in its body is waited for for ever.
    requestTimeout: REQUEST_TIMEOUT,
    // Refused below, in words.
    http: { requireHostHeader: false },
    routerOptions: { maxParamLength: 4096, querystringParser: parameters },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  } as object).withTypeProvider<ZodTypeProvider>() as unknown as App;
  // An expectation that nobody knows is none (RFC 9110, 10.1.1); Node would answer 417 without a word.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.setValidatorCompiler(validatorCompiler);
  // Shapes are held by the type checker; the schemas of answers are for the documentation.
  app.setSerializerCompiler(() => JSON.stringify);
  readJson(app);
  registerSecurityHeaders(app);
  registerErrorHandlers(app);
  // RFC 9112, 3.2
  app.addHook('onRequest', ({ raw: { httpVersion, headers } }, _reply, done) => {
    const isNameless = headers.host === undefined && httpVersion === '1.1';
    done(isNameless ? new TidingsError('invalid_request', 'An HTTP/1.1 request needs a Host header.') : undefined);
  });
  authenticate(app, parts.apiKeys);

  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tidings',
        version: '1',
        description: 'Event-driven notifications that can say why, and why not.',
      },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(scalar, {
    routePrefix: '/api/docs',
    // Its fonts, its vendor's buttons (share, configure, make an SDK, open a client) and its telemetry are all elsewhere.
    configuration: {
      pageTitle: 'Tidings API',
      withDefaultFonts: false,
      showDeveloperTools: 'never',
      hideClientButton: true,
      telemetry: false,
    },
    // The page starts itself with an inline script.
    hooks: {
      onRequest: (_request, reply, done) => {
        reply.header(
          'content-security-policy',
          "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:",
        );
        done();
      },
    },
  });

  eventRoutes(app, parts);
  auditRoutes(app, parts);
  explainRoutes(app, parts);
  deliveryRoutes(app, parts);
  catalogRoutes(app, parts);
  waitRoutes(app, parts);
  healthRoutes(app, parts);
  if (existsSync(parts.consoleDir)) await app.register(fastifyStatic, { root: parts.consoleDir, acceptRanges: false });
  await app.ready();
  return app;
}

/** Of a query. `before=` says no more than its absence. */
function parameters(query: string): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(parse(query)).filter(([, value]) => value !== ''));
}

/** JSON only; what it says about a body that is not JSON names the place, never the content. */
function readJson(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0) return done(null, undefined);
    if (!isUtf8(bytes)) return done(new TidingsError('invalid_json', 'The body is not UTF-8.'));
    try {
      done(null, JSON.parse(bytes.toString('utf8')));
    } catch (error) {
      const place = /at position \d+( \(line \d+ column \d+\))?/.exec(String(error))?.[0];
      done(new TidingsError('invalid_json', `The body is not JSON${place ? `: it goes wrong ${place}` : ''}.`));
    }
  });
}
