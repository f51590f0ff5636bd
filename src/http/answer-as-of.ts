import type { FastifyReply } from 'fastify';
import type { Dated } from '../store/pg/replica.ts';
import { isoTime } from '../time/iso-time.ts';

/** Header of what a replica has answered: the time that it is of, at least. An answer without it is of now. */
export const AS_OF_HEADER = 'tidings-as-of';

/** Says in a response of when it is. Returns what was read. */
export function answerAsOf<T>(reply: Pick<FastifyReply, 'header'>, { value, asOf }: Dated<T>): T {
  if (asOf !== null) reply.header(AS_OF_HEADER, isoTime(asOf));
  return value;
}
