import type { Readable } from 'node:stream';

/** Bytes of requests to stand-ins and of their replies. */

/** Reads a stream to its end. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Returns the bytes of a body; an object is written as JSON. */
export function toBytes(body: string | Buffer | object | undefined): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'object' ? JSON.stringify(body) : (body ?? ''));
}
