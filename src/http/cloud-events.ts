import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { Json } from '../model/event.ts';

/*
 * The HTTP protocol binding of CloudEvents 1.0. In structured mode the body is the event, in batched mode a list of events, and
 * in binary mode the attributes are headers and the body is the data. A body of application/json may be any of ours as well.
 */

const PREFIX = 'ce-';
const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';

/** Attributes that one event may have as headers; Node.js has a bound of their size. */
const MAX_ATTRIBUTES = 100;

/** Whether a request has a CloudEvent in binary mode: its body, the data, may be empty. */
export function isBinaryMode({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['ce-specversion'] !== undefined && !getMediaType(headers).startsWith('application/cloudevents');
}

/**
 * Returns the body of a request, in binary mode with the attributes of its headers as a CloudEvent in structured mode.
 * @throws TidingsError `invalid_body` if the body is not what its content type says
 */
export function readEventBody(request: Pick<FastifyRequest, 'headers' | 'body'>): unknown {
  const { headers, body } = request;
  const type = getMediaType(headers);
  if (isBinaryMode(request))
    return { ...readAttributes(headers), ...(body !== undefined && body !== null && { data: body }) };
  if (type === BATCHED && !Array.isArray(body)) {
    throw new TidingsError(
      'invalid_body',
      `The body must be a list of CloudEvents, as ${BATCHED} says; send one as ${STRUCTURED}.`,
    );
  }
  if (type !== STRUCTURED && type !== BATCHED) return body;
  if (type === STRUCTURED && Array.isArray(body)) {
    throw new TidingsError(
      'invalid_body',
      `The body must be one CloudEvent, as ${STRUCTURED} says; send a list as ${BATCHED}.`,
    );
  }
  // Marked as what the content type says they are, so that one that lacks its version is rejected for that.
  const mark = (item: unknown) =>
    typeof item === 'object' && item !== null && !('specversion' in item) ? { specversion: null, ...item } : item;
  return Array.isArray(body) ? body.map(mark) : mark(body);
}

function getMediaType(headers: FastifyRequest['headers']): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
}

function readAttributes(headers: FastifyRequest['headers']): { readonly [name: string]: Json } {
  const attributes: [string, Json][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(PREFIX) || typeof value !== 'string') continue;
    if (attributes.length === MAX_ATTRIBUTES) {
      throw new TidingsError('invalid_request', `A CloudEvent has at most ${MAX_ATTRIBUTES} attributes.`);
    }
    attributes.push([name.slice(PREFIX.length), decodeHeader(name, value)]);
  }
  return Object.fromEntries(attributes);
}

/**
 * Decodes the percent-encoded UTF-8 of a header. A `%` that encodes nothing stays, and so does UTF-8 that a sender did not encode.
 * @throws TidingsError `invalid_request` for encoded bytes that are not UTF-8, as the binding says (section 3.1.3.2)
 */
function decodeHeader(name: string, value: string): string {
  // Node.js reads each byte as one character.
  const bytes = Buffer.from(value, 'latin1');
  const given = isUtf8(bytes) ? bytes.toString() : value;
  const text =
    given.startsWith('"') && given.endsWith('"') && given.length > 1
      ? given.slice(1, -1).replace(/\\(.)/g, '$1')
      : given;
  try {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    throw new TidingsError('invalid_request', `The header ${name} has percent-encoded bytes that are not UTF-8.`, {
      pointer: name,
    });
  }
}
