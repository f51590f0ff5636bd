import type { PrepareRetried } from '../ingest/retry-rejected.ts';
import { toRetriedItem } from '../sources/to-item.ts';
import type { HttpDependencies } from './app.ts';
import { parseSendRequest } from './parse-send-request.ts';

/** Returns the function that makes rejected items what is ingested again: those of a source are mapped by the source as it is now. */
export function prepareRetried({ database, catalogs, kafka }: HttpDependencies): PrepareRetried {
  const items = { pool: database.owner, catalogs, installation: kafka?.tenant, parseRequest: parseSendRequest };
  return (tenantId, item, original) => toRetriedItem(items, tenantId, item, original);
}
