import fastifySwagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import { createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { TidingsError } from '../../errors.ts';
import type { App } from '../app.ts';
import { completeDocument } from './complete-document.ts';
import { describeRoute } from './describe-route.ts';
import { registerDocsPages } from './docs-pages.ts';

const DOCS = '/api/docs';

/** The page starts itself with an inline script. */
const DOCS_CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:";

const DESCRIPTION = `Event-driven notifications that explain why they were sent, and why not.

Lists take \`limit\` and \`after\`, and answer their items and \`next\`. Errors are problem documents (RFC 9457); [every
code](/api/docs/errors) has a description. Each response has the header \`x-request-id\`. More in [the
conventions](/api/docs/api), [the rules](/api/docs/rules) and [security](/api/docs/security).`;

const TAGS = [
  { name: 'events', description: 'What happened to users, and what was rejected' },
  { name: 'explain', description: 'Why a user did, or did not, get a notification' },
  { name: 'search', description: 'One search over everything that has a name, an id or an address' },
  { name: 'users', description: 'Users that events are about' },
  { name: 'sources', description: 'Kafka topics whose messages are events' },
  { name: 'sinks', description: 'Kafka topics that facts and decisions are written to' },
  { name: 'lists', description: 'Lists and segments of users' },
  { name: 'deliveries', description: 'Notifications on their way to a channel' },
  { name: 'metrics', description: 'Sums over time of what was decided, sent and reported' },
  { name: 'preferences', description: 'What users want, and what the tenant decides for them' },
  { name: 'suppressions', description: 'Addresses that get no messages' },
  { name: 'notifications', description: 'Notifications, and asking for them directly' },
  { name: 'batches', description: 'One notification to up to a million recipients' },
  { name: 'waits', description: 'Rules that wait for a user' },
  { name: 'jobs', description: 'One command for many deliveries, waits or rejected events' },
  { name: 'catalog', description: 'Events, notification types, templates and rules' },
  { name: 'releases', description: 'A version of the catalog for a share of the users' },
  { name: 'templates', description: 'Templates that are made over the API, and tests of their variants' },
  { name: 'tenants', description: 'Organizations that share an installation' },
  { name: 'members', description: 'Access of members to the console' },
  { name: 'devices', description: 'Devices of users, which push messages go to' },
  { name: 'inbox', description: 'Inboxes of users: their in-app messages' },
  { name: 'tokens', description: 'Tokens of users: issuers that a tenant trusts, and those of Tidings' },
  { name: 'accounts', description: 'Accounts with providers, by which messages are sent' },
  {
    name: 'webhooks',
    description: 'Endpoints that receive messages of the channel webhook, and what was sent to them',
  },
  { name: 'connectors', description: 'Connections to other services of the tenant, and products of users' },
  { name: 'me', description: 'What a user reaches with an own token' },
  { name: 'keys', description: 'API keys' },
  { name: 'operation', description: 'Who changed what' },
  { name: 'health', description: 'For load balancers and operators' },
];

/**
 * Serves the OpenAPI document at `/api/openapi.json`, its page at `/api/docs` and the pages of docs/. Call it before the
 * routes are registered.
 */
export async function registerApiDocs(app: App): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tidings', version: '1', description: DESCRIPTION },
      tags: TAGS,
      components: {
        securitySchemes: {
          api_key: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'A key of this installation' },
          bearer: { type: 'http', scheme: 'bearer', description: 'A key, or the token of a user for /me' },
          session: { type: 'apiKey', in: 'cookie', name: 'tidings_session', description: 'Session of the console' },
        },
      },
    },
    transform: describeRoute,
    transformObject: (input) => completeDocument(createJsonSchemaTransformObject({})(input)),
  });
  const documents = keepDocuments(app);
  await app.register(scalar, {
    routePrefix: DOCS,
    // Without the parts that contact other servers: fonts, telemetry and the vendor's buttons (share, SDK, client).
    configuration: {
      pageTitle: 'Tidings API',
      withDefaultFonts: false,
      showDeveloperTools: 'never',
      hideClientButton: true,
      telemetry: false,
    },
    hooks: {
      onRequest: (request, reply, done) => {
        reply.header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY);
        const document = documents[request.routeOptions.url ?? ''];
        if (document) {
          reply.type(document.type).header('access-control-allow-origin', '*').send(document.text());
          return;
        }
        // The handlers of the page make a URL of it.
        const isHost = URL.canParse(`http://${request.hostname}`);
        done(isHost ? undefined : new TidingsError('invalid_request', 'The Host header is not the name of a host.'));
      },
    },
  });
  app.get('/api/openapi.json', { config: { scope: 'public' }, schema: { hide: true } as object }, (_request, reply) =>
    reply.type('application/json').send(documents[`${DOCS}/openapi.json`]?.text()),
  );
  registerDocsPages(app, DOCS);
}

/** Returns the OpenAPI document by path. Each text is made once: a plugin that made it for each request would take 20 to 250 ms. */
function keepDocuments(app: App): { readonly [path: string]: { readonly type: string; text(): string } } {
  let json: string | undefined;
  let yaml: string | undefined;
  return {
    [`${DOCS}/openapi.json`]: {
      type: 'application/json',
      text: () => {
        json ??= JSON.stringify(app.swagger());
        return json;
      },
    },
    [`${DOCS}/openapi.yaml`]: {
      type: 'application/yaml',
      text: () => {
        yaml ??= app.swagger({ yaml: true });
        return yaml;
      },
    },
  };
}
