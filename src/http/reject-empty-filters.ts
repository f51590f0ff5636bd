import { parse } from 'node:querystring';
import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import { metricFilter } from './schemas/metrics.ts';

/** Names that say what is counted. */
const FILTERS = Object.keys(metricFilter).filter((name) => name !== 'from' && name !== 'to');

/**
 * Rejects a filter of metrics without a value, such as `type=`. Elsewhere it counts as absent; here, sums of everything would look like
 * those that were asked for.
 * @throws TidingsError
 */
export async function rejectEmptyFilters({ url, routeOptions }: FastifyRequest): Promise<void> {
  const start = url.indexOf('?');
  if (start === -1) return;
  const given = parse(url.slice(start + 1));
  // The list of users needs a reason, and says so by itself.
  const names = routeOptions.url?.endsWith('/users') ? FILTERS : [...FILTERS, 'reason'];
  const empty = names.find((name) => [given[name]].flat().includes(''));
  if (empty === undefined) return;
  throw new TidingsError('invalid_request', `${empty} is empty; write a value, or leave it out.`, { pointer: empty });
}
