import type { FastifyReply, FastifyRequest } from 'fastify';
import { TidingsError } from '../../errors.ts';
import type { App, HttpDependencies } from '../app.ts';
import { chooseEncoding } from '../compression.ts';
import { compressOnce, ELEMENT_SCRIPTS, type ElementFile, ElementFiles } from '../elements.ts';
import { elementFile, elementIntegrity, elementParams, elementQuery } from '../schemas/elements.ts';

const FOLDER = '/elements/v1';
/** A page asks whether a script has changed after five minutes; meanwhile it may use what it has. */
const SHORT = 'public, max-age=300, stale-while-revalidate=86400';
const FOREVER = 'public, max-age=31536000, immutable';

/** The page that shows the elements runs under the policy that they are made for. */
const DEMO_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' https: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join(';');

/** The elements for pages of any site, and a page that shows them where callers on this machine need no key. */
export function registerElementRoutes(app: App, { elementsDir, apiKeys, oidc }: HttpDependencies): void {
  if (elementsDir === undefined) return;
  const files = new ElementFiles(elementsDir);
  const config = { scope: 'public', isUnlimited: true } as const;
  const isOpen = apiKeys.length === 0 && oidc === null;
  const common = { hide: true, tags: ['inbox'], querystring: elementQuery } as const;

  app.get(
    `${FOLDER}/integrity.json`,
    {
      config,
      schema: {
        ...common,
        operationId: 'getElementIntegrity',
        summary: 'Show the hashes of the elements',
        response: { 200: elementIntegrity },
      },
    },
    async (_request, reply) => {
      requireBuilt(files);
      reply.headers(FOR_ANY_SITE).header('cache-control', 'no-cache');
      return {
        scripts: ELEMENT_SCRIPTS.map((name) => {
          const { integrity, fixedName, content } = files.get(name);
          return { name, url: `${FOLDER}/${fixedName}`, integrity, bytes: content.length };
        }),
      };
    },
  );
  app.get(
    `${FOLDER}/:file`,
    {
      config,
      schema: {
        ...common,
        operationId: 'getElements',
        summary: 'Load the elements',
        params: elementParams,
        response: { 200: elementFile },
      },
    },
    async (request, reply) => {
      requireBuilt(files);
      const found = files.find(request.params.file);
      if (!found) throw new TidingsError('not_found', `There is no such script; see ${FOLDER}/integrity.json.`);
      reply.headers(FOR_ANY_SITE).header('cache-control', found.isFixed ? FOREVER : SHORT);
      return send(request, reply, found.file, 'text/javascript; charset=utf-8');
    },
  );
  if (!isOpen) return;
  const shown = { hide: true, tags: ['inbox'], querystring: elementQuery } as const;
  app.get(
    '/elements/demo',
    {
      config,
      schema: {
        ...shown,
        operationId: 'showElementDemo',
        summary: 'Show the elements',
        response: { 200: elementFile },
      },
    },
    async (request, reply) => {
      requireBuilt(files);
      reply.headers({ 'cache-control': 'no-cache', 'content-security-policy': DEMO_POLICY });
      return send(request, reply, files.get('demo.html'), 'text/html; charset=utf-8');
    },
  );
  for (const [name, type] of [
    ['demo.js', 'text/javascript; charset=utf-8'],
    ['demo.css', 'text/css; charset=utf-8'],
  ] as const) {
    app.get(
      `/elements/${name}`,
      {
        config,
        schema: {
          ...shown,
          operationId: `getElement_${name}`,
          summary: 'Load a file of the page',
          response: { 200: elementFile },
        },
      },
      async (request, reply) => {
        requireBuilt(files);
        reply.header('cache-control', 'no-cache');
        return send(request, reply, files.get(name), type);
      },
    );
  }
}

/** Scripts with an integrity are loaded by CORS; others only if the resource policy lets them. */
const FOR_ANY_SITE = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' };

function requireBuilt(files: ElementFiles): void {
  if (!files.areBuilt) throw new TidingsError('not_found', 'The elements were not built: run `npm run setup`.');
}

function send(request: FastifyRequest, reply: FastifyReply, file: ElementFile, type: string) {
  const encoding = chooseEncoding(request.headers['accept-encoding']);
  const etag = encoding === undefined ? file.etag : file.etag.replace(/"$/, `-${encoding}"`);
  reply.type(type).headers({ etag, vary: 'accept-encoding' });
  const known = String(request.headers['if-none-match'] ?? '');
  if (known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)) return reply.status(304).send();
  if (encoding === undefined) return reply.send(file.content);
  return reply.header('content-encoding', encoding).send(compressOnce(file, encoding));
}
