import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../errors.ts';
import { isStorable, MAX_STORED_DEPTH } from '../../lib/text/storable.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { FIRST_TIME, LAST_TIME } from '../../time/iso-time.ts';
import type { Problem } from '../problem.ts';

/* Schemas that several resources share. The OpenAPI document, and from it the types of the clients, are made from them. */

/** A time in a response. */
export const timestamp = z.string().meta({
  format: 'date-time',
  description: 'ISO 8601 in UTC',
  examples: ['2026-11-02T09:30:00.000Z'],
});

/** Any JSON value in a response. Requests use `jsonInput`: what is nested deeply is not walked through there. */
export const json: z.ZodType<Json> = z
  .lazy(() => z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]))
  .meta({ id: 'Json', description: 'Any JSON value' });

/** An object in a response whose fields are the caller's own. */
export const jsonObject = z.record(z.string(), json).meta({
  id: 'JsonObject',
  description: "An object with the caller's own fields",
}) as unknown as z.ZodType<JsonObject>;

/** An object in a request whose fields are the caller's own. */
export const jsonInput = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>;

/** Returns the schema for a list in a response. */
export function listOf<T extends z.ZodType>(item: T): z.ZodReadonly<z.ZodArray<T>> {
  return z.array(item).readonly();
}

/** The position after a page; null on the last one. */
export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Send as `after` to get the next page; null: this is the last one', examples: [null] });

export const problemPart = z
  .object({
    pointer: z.string().meta({
      description: 'JSON pointer (RFC 6901) into the body, or the name of a parameter of the path, query or headers',
      examples: ['/filter/rule'],
    }),
    message: z.string().meta({ examples: ['filter.rule is missing; write a text.'] }),
    code: z.exactOptional(z.string()).describe('Check that found the problem in a file of a catalog'),
    severity: z.exactOptional(z.enum(['error', 'warning'])),
    file: z.exactOptional(z.string()).describe('Present for a file of a catalog, as line and column'),
    line: z.exactOptional(z.int()),
    column: z.exactOptional(z.int()),
    hint: z.exactOptional(z.string()),
  })
  .meta({ id: 'ProblemPart', description: 'A part of a request that is wrong' });

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

export const problem = z
  .object({
    type: z.string().meta({
      description: 'URL of the description of the code, relative to this installation',
      examples: ['/api/docs/errors#invalid_request'],
    }),
    title: z.string().meta({ examples: ['Invalid request'] }),
    status: z.int().meta({ examples: [400] }),
    detail: z.string().meta({ examples: ['filter.rule is missing; write a text.'] }),
    code: z.enum(CODES).meta({ examples: ['invalid_request'] }),
    request_id: z.string().meta({
      description: 'As in the header x-request-id and in the log',
      examples: ['req_0b0e6f0c-6ac3-4d6c-9c36-4f0ac0a3b5a1'],
    }),
    errors: z.exactOptional(listOf(problemPart)),
  })
  .meta({ id: 'Problem', description: 'A problem document (RFC 9457)' }) satisfies z.ZodType<Problem>;

const LIMIT_HINT = 'write a whole number from 1 to 200';

/** Items of a page, at most. */
export const limitQuery = z.coerce
  .number(LIMIT_HINT)
  .int(LIMIT_HINT)
  .min(1, LIMIT_HINT)
  .max(200, LIMIT_HINT)
  .default(50)
  .meta({ description: 'Items of a page, at most', examples: [20] });

/** Position in a list. */
export const cursorQuery = z
  .string()
  .optional()
  .meta({ description: 'The `next` of the previous page of the same list and filter; absent: the first page' });

/** The query of a list without a filter. */
export const pageQuery = z.strictObject({ limit: limitQuery, after: cursorQuery });

/** A time with a zone in a request, of the years that can be stored. @param right what would be right, as `write …` */
export function timeText(right = 'write a time with a zone, such as 2025-10-31T19:00:00Z') {
  return z.iso.datetime({ offset: true, error: right, abort: true }).refine((text) => {
    const time = Date.parse(text);
    return time >= FIRST_TIME && time <= LAST_TIME;
  }, OUTSIDE_YEARS);
}

/** A day in a request, of the years that can be stored. @param right what would be right, as `write …` */
export function dayText(right: string) {
  const day = z.iso.date({ error: right, abort: true });
  return day.refine((text) => Date.parse(text) >= FIRST_TIME, OUTSIDE_YEARS);
}

const OUTSIDE_YEARS = 'is outside the years 0001 to 9999';

/** Returns the schema for texts without the characters that PostgreSQL cannot store. */
export function storable(text: z.ZodString): z.ZodString {
  return text.refine((one) => !one.includes('\0') && one.isWellFormed(), 'has a character that cannot be stored');
}

/** A text from a path or a query. */
export const pathText = storable(z.string().min(1).max(1024));

export const userId = z.string().meta({ description: 'Your id of the user', examples: ['user-1042'] });

/** A user id in a path or a query. */
export const userIdParam = pathText.meta({ description: 'Your id of the user', examples: ['user-1042'] });

/** Returns the schema for an id that Tidings made, in a response. */
export function idOf(what: string): z.ZodString {
  return z.string().meta({ description: `Id of the ${what}`, examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] });
}

/** The parameter of a path that names something by an id that Tidings made. */
export const idParams = z.object({
  id: z
    .string()
    .max(256)
    .meta({ examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] }),
});

/** An object in a request whose fields are the caller's own, and which is stored as it is. */
export const storedObject = jsonInput.refine((value) => isStorable(value), {
  error: `is nested deeper than ${MAX_STORED_DEPTH} levels, or has U+0000 or half a surrogate pair in a text`,
  // Further checks would walk through it.
  abort: true,
});
