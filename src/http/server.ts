import { existsSync } from 'node:fs';
import { parse } from 'node:querystring';
import fastifyStatic from '@fastify/static';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { Accounts } from '../accounts/accounts.ts';
import { Trials } from '../accounts/trials.ts';
import { TidingsError } from '../errors.ts';
import { OidcLogin } from '../members/oidc-login.ts';
import { findPortalSession } from '../members/portal-links.ts';
import { Sessions } from '../members/sessions.ts';
import { Access } from '../tenants/access.ts';
import { memberSessions } from '../tenants/member-sessions.ts';
import { portalSessions } from '../tenants/portal-sessions.ts';
import { Tenants } from '../tenants/tenants.ts';
import { userTokens } from '../tenants/user-tokens.ts';
import { IssuerKeys } from '../tokens/issuer-keys.ts';
import { TokenVerifier } from '../tokens/token-verifier.ts';
import type { App, HttpDependencies } from './app.ts';
import { authenticate } from './auth.ts';
import { registerCompression } from './compression.ts';
import { allowOrigins } from './cross-origin.ts';
import { handleClientError, registerErrorHandlers, sendProblem } from './error-handlers.ts';
import { registerIdempotency } from './idempotency.ts';
import { registerJsonParser } from './json-body.ts';
import { observeRequests } from './observe-requests.ts';
import { registerApiDocs } from './openapi/api-docs.ts';
import { rejectForeignOrigins } from './origin.ts';
import { getRequestId, registerRequestIds } from './request-id.ts';
import { registerAccountRoutes } from './routes/accounts.ts';
import { registerActivityRoutes } from './routes/activity.ts';
import { registerAddressVerificationRoutes } from './routes/address-verification.ts';
import { registerAddressRoutes } from './routes/addresses.ts';
import { registerMetricRoutes } from './routes/analytics.ts';
import { registerAuditRoutes } from './routes/audit.ts';
import { registerAuditLogRoutes } from './routes/audit-log.ts';
import { registerBatchRoutes } from './routes/batches.ts';
import { registerCatalogRoutes } from './routes/catalog.ts';
import { registerConnectorRoutes } from './routes/connectors.ts';
import { registerConsentImportRoute } from './routes/consent-import.ts';
import { registerConsentLinkRoutes } from './routes/consent-link.ts';
import { registerConsentRoutes } from './routes/consents.ts';
import { registerCostRoutes } from './routes/costs.ts';
import { registerCustomerNotificationRoutes } from './routes/customer-notifications.ts';
import { registerDeadLetterRoutes } from './routes/dead-letters.ts';
import { registerDecisionRoutes } from './routes/decisions.ts';
import { registerDeliveryRoutes } from './routes/deliveries.ts';
import { registerDeviceRoutes } from './routes/devices.ts';
import { registerDraftRoutes } from './routes/drafts.ts';
import { registerElementRoutes } from './routes/elements.ts';
import { registerErasureRoutes } from './routes/erasures.ts';
import { registerEventRoutes } from './routes/events.ts';
import { registerExplainRoutes } from './routes/explain.ts';
import { registerFollowRoutes } from './routes/follow-catalog.ts';
import { registerForecastRoutes } from './routes/forecast.ts';
import { registerHealthRoutes } from './routes/health.ts';
import { registerInboxRoutes } from './routes/inbox.ts';
import { registerIssuerRoutes } from './routes/issuers.ts';
import { registerJobRoutes } from './routes/jobs.ts';
import { registerKeyRoutes } from './routes/keys.ts';
import { registerListRoutes, registerMemberImportRoute } from './routes/lists.ts';
import { registerLoginRoutes } from './routes/login.ts';
import { registerMeRoutes } from './routes/me.ts';
import { registerMemberRoutes } from './routes/members.ts';
import { registerMetricsRoute } from './routes/metrics.ts';
import { registerNotificationRoutes } from './routes/notifications.ts';
import { registerPreferencePageRoutes } from './routes/preference-page.ts';
import { registerPreferenceRoutes } from './routes/preferences.ts';
import { registerProblemRoutes } from './routes/problems.ts';
import { registerQueueRoutes } from './routes/queue.ts';
import { registerReceiptRoutes } from './routes/receipts.ts';
import { registerReleaseRoutes } from './routes/releases.ts';
import { registerRevealRoutes } from './routes/reveal.ts';
import { registerRouteStateRoutes } from './routes/routes.ts';
import { registerSearchRoutes } from './routes/search.ts';
import { registerSegmentRoutes } from './routes/segments.ts';
import { registerSendingRoutes } from './routes/sending.ts';
import { registerSessionRoutes } from './routes/session.ts';
import { registerSinkRoutes } from './routes/sinks.ts';
import { registerSourceRoutes } from './routes/sources.ts';
import { registerStoredTemplateRoutes } from './routes/stored-templates.ts';
import { registerStreamRoute } from './routes/stream.ts';
import { registerSuppressionRoutes } from './routes/suppressions.ts';
import { registerTemplateSendRoutes } from './routes/template-sends.ts';
import { registerTemplateTestRoutes } from './routes/template-tests.ts';
import { registerTemplateTransferRoutes } from './routes/template-transfer.ts';
import { registerTemplateVersionRoutes } from './routes/template-versions.ts';
import { registerTemplateRoutes } from './routes/templates.ts';
import { registerTenantRoutes } from './routes/tenants.ts';
import { registerTokenRoutes } from './routes/tokens.ts';
import { registerTrackingRoutes } from './routes/tracking.ts';
import { registerUnsubscribeRoutes } from './routes/unsubscribe.ts';
import { registerUserChangeRoutes } from './routes/user-changes.ts';
import { registerUserExportRoutes } from './routes/user-export.ts';
import { registerUserMergeRoutes } from './routes/user-merge.ts';
import { registerUserRoutes } from './routes/users.ts';
import { registerWaitRoutes } from './routes/waits.ts';
import { registerWebhookPortalRoutes } from './routes/webhook-portal.ts';
import { registerWebhookRoutes } from './routes/webhooks.ts';
import { allowFrames, registerSecurityHeaders } from './security-headers.ts';
import { compileTrustedProxies } from './trusted-proxies.ts';
import { rejectUnknownParameters } from './unknown-parameters.ts';
import { compileRequestSchema } from './validate-request.ts';

/** Time within which a request must be complete. Without it, a caller that stops within its body keeps its connection forever. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Requests per minute of a key without a limit of its own. */
const DEFAULT_PER_MINUTE = 6000;

/** The longest part of a path, such as a user id written as %XX. */
const MAX_PATH_PART_CHARS = 4096;

/** Returns the HTTP server, ready to listen: one file per resource, registered in the order in which the docs show them. */
export async function buildServer(dependencies: HttpDependencies): Promise<App> {
  const app = createApp(dependencies);
  app.setValidatorCompiler(compileRequestSchema);
  // TypeScript checks the shapes of responses; their schemas serve the documentation only.
  app.setSerializerCompiler(() => JSON.stringify);
  registerJsonParser(app);
  registerSecurityHeaders(app);
  registerRequestIds(app);
  observeRequests(app);
  rejectUnknownParameters(app);
  registerErrorHandlers(app);
  requireHostHeader(app);
  rejectUntilStarted(app, dependencies.state);
  const mayCall = allowOrigins(app, dependencies.allowedOrigins ?? []);
  rejectForeignOrigins(app, dependencies.publicUrl, mayCall);
  const isSecure = dependencies.publicUrl?.startsWith('https:') ?? false;
  const sessions = new Sessions({ owner: dependencies.database.owner, clock: dependencies.clock, isSecure });
  const access = await openAccess(app, dependencies, sessions);
  const identify = authenticate(app, access);
  // In this order: a response is kept as it was before its compression.
  registerIdempotency(app, dependencies);
  registerCompression(app);
  await registerApiDocs(app);
  registerEventRoutes(app, dependencies);
  registerNotificationRoutes(app, dependencies);
  registerBatchRoutes(app, dependencies);
  registerAuditRoutes(app, dependencies);
  registerActivityRoutes(app, dependencies);
  registerDecisionRoutes(app, dependencies);
  registerSearchRoutes(app, dependencies);
  registerUserRoutes(app, dependencies);
  registerUserChangeRoutes(app, dependencies);
  registerUserExportRoutes(app, dependencies);
  registerForecastRoutes(app, dependencies);
  registerErasureRoutes(app, dependencies);
  registerAddressVerificationRoutes(app, dependencies);
  registerUserMergeRoutes(app, dependencies);
  registerListRoutes(app, dependencies);
  registerSegmentRoutes(app, dependencies);
  registerSourceRoutes(app, dependencies);
  registerSinkRoutes(app, dependencies);
  registerDeviceRoutes(app, dependencies);
  registerAddressRoutes(app, dependencies);
  registerPreferenceRoutes(app, dependencies);
  registerConsentRoutes(app, dependencies);
  registerConsentImportRoute(app, dependencies);
  registerMemberImportRoute(app, dependencies);
  registerCustomerNotificationRoutes(app, dependencies);
  registerInboxRoutes(app, dependencies);
  registerExplainRoutes(app, dependencies);
  registerDeliveryRoutes(app, dependencies);
  registerDeadLetterRoutes(app, dependencies);
  registerSendingRoutes(app, dependencies);
  registerSuppressionRoutes(app, dependencies);
  registerProblemRoutes(app, dependencies);
  registerStreamRoute(app, dependencies);
  registerQueueRoutes(app, dependencies);
  registerRouteStateRoutes(app, dependencies);
  registerCostRoutes(app, dependencies);
  registerMetricRoutes(app, dependencies);
  registerCatalogRoutes(app, dependencies);
  registerDraftRoutes(app, dependencies);
  registerReleaseRoutes(app, dependencies);
  registerStoredTemplateRoutes(app, dependencies);
  registerTemplateVersionRoutes(app, dependencies);
  registerTemplateTransferRoutes(app, dependencies);
  registerTemplateTestRoutes(app, dependencies);
  registerTemplateRoutes(app, dependencies);
  registerTemplateSendRoutes(app, dependencies);
  registerWaitRoutes(app, dependencies);
  registerAuditLogRoutes(app, dependencies);
  registerJobRoutes(app, dependencies);
  registerKeyRoutes(app, dependencies, access.keys);
  registerTenantRoutes(
    app,
    dependencies,
    new Tenants(dependencies.database, dependencies.clock, () => access.forget()),
  );
  registerFollowRoutes(app, dependencies);
  registerMeRoutes(app, dependencies);
  registerRevealRoutes(app, dependencies);
  registerMemberRoutes(app, dependencies);
  registerIssuerRoutes(app, dependencies);
  registerTokenRoutes(app, dependencies);
  const { database, seal, outbound: http, clock } = dependencies;
  const trialTools = { database, seal, tools: { http, clock } };
  registerAccountRoutes(app, new Accounts(trialTools), new Trials(trialTools), clock);
  registerWebhookRoutes(app, dependencies);
  registerWebhookPortalRoutes(app, dependencies);
  registerConnectorRoutes(app, dependencies);
  registerSessionRoutes(app, dependencies, identify, sessions);
  registerLoginRoutes(app, dependencies, buildOidcLogin(dependencies), sessions);
  registerHealthRoutes(app, dependencies);
  registerMetricsRoute(app, dependencies);
  await registerReceiptRoutes(app, dependencies);
  await registerUnsubscribeRoutes(app, dependencies);
  await registerPreferencePageRoutes(app, dependencies);
  await registerConsentLinkRoutes(app, dependencies);
  registerTrackingRoutes(app, dependencies);
  registerElementRoutes(app, dependencies);
  const root = dependencies.consoleDir;
  if (existsSync(root)) await serveConsole(app, root, dependencies.allowedOrigins ?? []);
  await app.ready();
  return app;
}

/** Returns who may call; listens for changes of that until the server is closed. */
async function openAccess(app: App, dependencies: HttpDependencies, sessions: Sessions): Promise<Access> {
  const { database, databaseUrl, apiKeys, oidc, outbound, perMinute = DEFAULT_PER_MINUTE, clock, log } = dependencies;
  const tokens = new TokenVerifier(database.owner, new IssuerKeys(outbound), clock);
  const access = new Access({
    pool: database.owner,
    databaseUrl,
    apiKeys,
    others: [
      userTokens(tokens, perMinute),
      portalSessions((token) => findPortalSession(database.owner, token, clock())),
      memberSessions(sessions),
    ],
    isOpen: apiKeys.length === 0 && oidc === null,
    perMinute,
    clock,
    log,
  });
  await access.start();
  app.addHook('onClose', () => access.stop());
  return access;
}

function buildOidcLogin({ database, oidc, publicUrl, seal, clock }: HttpDependencies): OidcLogin | null {
  if (!oidc) return null;
  if (publicUrl === null) throw new Error('a login needs the URL of the console');
  return new OidcLogin({ ...oidc, publicUrl, owner: database.owner, seal, clock });
}

/**
 * Serves the files of the console, and its page under every path of its pages, which a script of it tells apart.
 * @param origins whose pages may show the webhook portal in a frame
 */
async function serveConsole(app: App, root: string, origins: readonly string[]): Promise<void> {
  await app.register(fastifyStatic, { root, acceptRanges: false, cacheControl: false, setHeaders: setCacheHeaders });
  for (const path of ['/console', '/console/*']) app.get(path, (_request, reply) => reply.sendFile('index.html'));
  for (const path of ['/console/portal', '/console/portal/*'])
    app.get(path, (_request, reply) => allowFrames(reply, origins).sendFile('index.html'));
}

/** The names of assets hold a hash of their content, so a name never means another one. The page that names them is asked for. */
function setCacheHeaders(reply: { setHeader(name: string, value: string): void }, path: string): void {
  const isHashed = /[\\/]assets[\\/]/.test(path);
  reply.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
}

function createApp({ log, trustedProxies = [] }: HttpDependencies): App {
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // A line per request would hold the user ids of URLs. Errors are logged by their handler.
    logController: new LogController({ disableRequestLogging: true }),
    // A logger per request costs more than reading the request.
    childLoggerFactory: (logger: FastifyBaseLogger) => logger,
    // Errors before routing, such as a path with a lone %.
    frameworkErrors: sendProblem,
    clientErrorHandler: handleClientError,
    trustProxy: trustedProxies.length > 0 && compileTrustedProxies(trustedProxies),
    genReqId: getRequestId,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Checked by requireHostHeader, which sends a problem document.
    http: { requireHostHeader: false },
    routerOptions: { maxParamLength: MAX_PATH_PART_CHARS, querystringParser: parseQuery },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  } as object).withTypeProvider<ZodTypeProvider>() as unknown as App;
  // Ignores an unknown expectation (RFC 9110, section 10.1.1). Node would respond with 417 and no body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  return app;
}

/** Rejects HTTP/1.1 requests without a Host header (RFC 9112, section 3.2). */
function requireHostHeader(app: App): void {
  app.addHook('onRequest', ({ raw: { httpVersion, headers } }, _reply, done) => {
    const isMissing = headers.host === undefined && httpVersion === '1.1';
    done(isMissing ? new TidingsError('invalid_request', 'An HTTP/1.1 request needs a Host header.') : undefined);
  });
}

/** Rejects requests that come before the catalog is applied: their events would be decided without it. */
function rejectUntilStarted(app: App, state: HttpDependencies['state']): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isEarly = state.starting && !request.url.startsWith('/healthz');
    done(
      isEarly
        ? new TidingsError('unavailable', 'Tidings is starting; send the request again.', { retryAfter: 1 })
        : undefined,
    );
  });
}

/** Parses a query string; a parameter without a value, such as `before=`, counts as absent. */
function parseQuery(query: string): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(parse(query)).filter(([, value]) => value !== ''));
}
