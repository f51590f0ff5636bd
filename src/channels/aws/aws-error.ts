import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import { asText, readJsonObject } from '../read-json.ts';

/**
 * Returns the name of an error of AWS, such as `TooManyRequestsException`, and its text; the name is in a header or in the body,
 * with a namespace before or a URL after it. No name: the response does not have one. Statuses say little: throttling may be 400.
 */
export function readAwsError({ headers, body }: GuardedResponse): { readonly name?: string; readonly text: string } {
  const json = readJsonObject(body);
  const header = headers['x-amzn-errortype'];
  const written = asText(typeof header === 'string' ? header : undefined) ?? asText(json?.__type) ?? asText(json?.code);
  const name = written?.split(':')[0]?.split('#').at(-1);
  const text = asText(json?.message) ?? asText(json?.Message) ?? '';
  return { text, ...(name === undefined || name === '' ? {} : { name }) };
}
