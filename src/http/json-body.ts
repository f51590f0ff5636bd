import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { errorCodes, type FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import { JsonSyntaxError, parseExactJson } from '../lib/text/exact-json.ts';
import type { App } from './app.ts';
import { isBinaryMode } from './cloud-events.ts';
import { toBodyTooLarge } from './problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Size of the body in bytes, after decompression; 0 without a body. */
    bodyBytes: number;
  }
}

/** Media types of JSON: ours, and those of CloudEvents in structured mode. */
const JSON_TYPES = ['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json'];
/** Every other type of JSON (RFC 6839): the data of a CloudEvent in binary mode has the type of its sender. */
const OTHER_JSON_TYPES = /^application\/[\w.+-]+\+json(\s*;|$)/i;

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECOMPRESS: { readonly [encoding: string]: Decompress } = {
  gzip: promisify(zlib.gunzip),
  'x-gzip': promisify(zlib.gunzip),
  deflate: promisify(zlib.inflate),
  br: promisify(zlib.brotliDecompress),
};

/**
 * Accepts bodies in JSON and UTF-8 only, plain or compressed with gzip, deflate or br; an empty body becomes `undefined`. The
 * limit of the route holds for the body as sent and as decompressed. The error for a body that is not JSON names the place,
 * never the content, which may hold addresses.
 */
export function registerJsonParser(app: App): void {
  app.removeAllContentTypeParsers();
  app.decorateRequest('bodyBytes', 0);
  app.addContentTypeParser([...JSON_TYPES], { parseAs: 'buffer' }, parseRequest);
  app.addContentTypeParser(OTHER_JSON_TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    if (isBinaryMode(request)) parseRequest(request, body, done);
    else done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE());
  });

  function parseRequest(
    request: FastifyRequest,
    body: string | Buffer,
    done: (error: Error | null, value?: unknown) => void,
  ): void {
    const finish = (bytes: Buffer) => {
      request.bodyBytes = bytes.length;
      done(null, parseBody(bytes));
    };
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    if (encoding !== 'identity') {
      decompressBody(request, body as Buffer, encoding)
        .then(finish)
        .catch(done);
      return;
    }
    try {
      finish(body as Buffer);
    } catch (error) {
      done(error as TidingsError);
    }
  }
}

function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new TidingsError('invalid_json', `The body is not UTF-8${describeInvalidByte(bytes)}.`);
  try {
    return parseExactJson(bytes.toString('utf8'));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new TidingsError('invalid_json', `The body is not valid JSON: ${error.message}.`);
  }
}

async function decompressBody({ routeOptions }: FastifyRequest, body: Buffer, encoding: string): Promise<Buffer> {
  const decompress = Object.hasOwn(DECOMPRESS, encoding) ? DECOMPRESS[encoding] : undefined;
  if (!decompress) {
    const message =
      'The content-encoding of the body is not supported; send it plain, or with one of gzip, deflate and br.';
    throw new TidingsError('unsupported_media_type', message);
  }
  try {
    return await decompress(body, { maxOutputLength: routeOptions.bodyLimit });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw toBodyTooLarge(routeOptions.bodyLimit);
    throw new TidingsError(
      'invalid_request',
      `The body is not ${encoding}, as its content-encoding says, or is incomplete.`,
    );
  }
}

/** Returns ` at byte 17`, counted from 0: the first that is not UTF-8. */
function describeInvalidByte(bytes: Buffer): string {
  // Decoding puts U+FFFD in the place of what is not UTF-8. The text before the first one has as many bytes as it was made of.
  const text = bytes.toString('utf8');
  for (let index = text.indexOf(REPLACEMENT); index >= 0; index = text.indexOf(REPLACEMENT, index + 1)) {
    const offset = Buffer.byteLength(text.slice(0, index));
    if (bytes.indexOf(REPLACEMENT, offset) !== offset) return ` at byte ${offset}`;
  }
  return '';
}

const REPLACEMENT = '\uFFFD';
