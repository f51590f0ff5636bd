import zlib from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from './app.ts';

/** Responses with less are sent as they are: compressing them would cost more than it saves. */
const MIN_BYTES = 1024;

/** Fast levels: the default ones cost several times as much, for a few percent. */
const BROTLI_QUALITY = 4;
const GZIP_LEVEL = 5;

const COMPRESSIBLE = /^(text\/|application\/([\w.+-]*json|javascript|x-ndjson|xml)|image\/svg)/;

const BROTLI_PARAMS = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } };

/**
 * Compresses responses from MIN_BYTES on, streams included, with what the caller accepts: br or gzip. Responses hold no secret
 * beside text that another site chose and could measure (BREACH): the API answers programs that authenticate with a header, and
 * requests of foreign pages carry no credentials.
 */
export function registerCompression(app: App): void {
  // With a callback: a promise for each response would cost the small ones.
  app.addHook('onSend', (request, reply, payload, done) => {
    const size = getSize(reply, payload);
    if ((size !== undefined && size < MIN_BYTES) || !COMPRESSIBLE.test(String(reply.getHeader('content-type') ?? ''))) {
      return done(null, payload);
    }
    const vary = reply.getHeader('vary');
    reply.header('vary', vary === undefined ? 'accept-encoding' : `${String(vary)}, accept-encoding`);
    const encoding = chooseEncoding(request.headers['accept-encoding']);
    if (encoding === undefined || reply.hasHeader('content-encoding') || hasNoBody(request, reply)) {
      return done(null, payload);
    }
    reply.header('content-encoding', encoding).removeHeader('content-length');
    weakenTag(reply);
    if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
      if (encoding === 'br') zlib.brotliCompress(payload, BROTLI_PARAMS, done);
      else zlib.gzip(payload, { level: GZIP_LEVEL }, done);
      return;
    }
    const compressor =
      encoding === 'br' ? zlib.createBrotliCompress(BROTLI_PARAMS) : zlib.createGzip({ level: GZIP_LEVEL });
    const source = payload as NodeJS.ReadableStream;
    source.on('error', (error) => compressor.destroy(error));
    // A caller that leaves ends the source as well.
    compressor.on('close', () => (source as { destroy?: () => void }).destroy?.());
    done(null, source.pipe(compressor));
  });
}

/** Returns the size of a payload in bytes; undefined: a stream without a known length. */
function getSize(reply: FastifyReply, payload: unknown): number | undefined {
  if (payload === null || payload === undefined) return 0;
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return Buffer.byteLength(payload);
  const length = Number(reply.getHeader('content-length') ?? Number.NaN);
  return Number.isNaN(length) ? undefined : length;
}

function hasNoBody({ method }: FastifyRequest, { statusCode }: FastifyReply): boolean {
  return method === 'HEAD' || statusCode === 204 || statusCode === 304 || statusCode === 206;
}

/** A strong tag promises the same bytes. That of a revision (setEtag) promises the same revision, and returns as If-Match. */
function weakenTag(reply: FastifyReply): void {
  const tag = reply.getHeader('etag');
  if (typeof tag === 'string' && !/^(W\/|"\d+"$)/.test(tag)) reply.header('etag', `W/${tag}`);
}

/** Returns the best encoding that the header accepts (RFC 9110, section 12.5.3); undefined: none of ours. */
export function chooseEncoding(header: string | string[] | undefined): 'br' | 'gzip' | undefined {
  const weights = new Map<string, number>();
  for (const part of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const quality = parameters.find((one) => one.startsWith('q='))?.slice(2);
    weights.set(name, quality === undefined ? 1 : Number(quality) || 0);
  }
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  const best = weightOf('br') >= weightOf('gzip') ? 'br' : 'gzip';
  return weightOf(best) > 0 ? best : undefined;
}
