import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { contentUuid } from '../events/content.ts';
import { markOwn } from '../events/own-events.ts';
import { CUSTOMER_IMPORTED, type CustomerImport, PRODUCT_KINDS } from '../model/connector.ts';
import { CHANNELS } from '../model/delivery.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { PREFERENCE_UPDATED } from '../model/terms.ts';
import { type ImportedProduct, listProducts, saveProducts } from '../store/connectors/products.ts';
import { type ClaimedTask, insertTasks, type NewTask } from '../store/connectors/tasks.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Attempt, AttemptResult } from './attempt.ts';
import { CallFailure } from './call-failure.ts';
import { callService, fillPath, toAuthHeaders } from './call-service.ts';
import type { ConnectorParts } from './parts.ts';
import { readList, readValue } from './read-answer.ts';

/** Characters of the id of a product, and of its status, at most. */
const MAX_ID_CHARS = 256;

/**
 * Fetches a user from upstream. What the answer says becomes an event with their traits, and one with their toggles; their products
 * are stored, and registered with the card network where the connector says so.
 * @throws CallFailure
 */
export async function importCustomer(
  { client, clock, seal }: ConnectorParts,
  { task, catalog, secrets, signal }: Attempt,
  connector: CustomerImport,
): Promise<AttemptResult> {
  const { tenantId, userId } = task;
  const answer = await callService(client, {
    url: fillPath(connector.url, connector.path, { user_id: userId }),
    headers: await toAuthHeaders(connector.auth, secrets, clock()),
    timeout: connector.timeout,
    signal,
  });
  const products = readProducts(answer, connector);
  const toggles = readToggles(answer, connector, catalog);
  return {
    events: [
      toImported(task, readTraits(answer, connector), products),
      ...(Object.keys(toggles).length > 0 ? [toPreferences(task, toggles)] : []),
    ],
    isLasting: true,
    async record(connection, owner) {
      const now = clock();
      await saveProducts(connection, tenantId, owner, products, now);
      if (connector.registers.length === 0 || products.length === 0) return;
      const known = await listProducts(connection, seal, tenantId, owner);
      const registered = new Set(
        known.filter(({ registration }) => registration === 'registered').map(({ productId }) => productId),
      );
      const open = products.filter(({ productId }) => !registered.has(productId));
      await insertTasks(
        connection,
        tenantId,
        toRegistrations({ ...task, userId: owner }, connector, catalog, open),
        now,
      );
    },
  };
}

function readTraits(answer: JsonObject, { traits }: CustomerImport): JsonObject {
  const found: [string, Json][] = [];
  for (const [trait, value] of Object.entries(traits)) {
    const read = readValue(answer, value);
    if (read !== undefined) found.push([trait, read]);
  }
  return Object.fromEntries(found);
}

function readProducts(answer: JsonObject, { products }: CustomerImport): ImportedProduct[] {
  const byId = new Map<string, ImportedProduct>();
  for (const { id, product, status } of products ? readList(answer, products) : []) {
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID_CHARS) {
      throw new CallFailure('answer_invalid', 'A product of the answer has no id.');
    }
    const kind = String(product ?? '').toUpperCase();
    byId.set(id, {
      productId: id,
      product: PRODUCT_KINDS.find((one) => one === kind) ?? 'GENERIC',
      // Shortened text may end with half of a character.
      status: typeof status === 'string' ? status.slice(0, MAX_ID_CHARS).toWellFormed() : null,
    });
  }
  return [...byId.values()];
}

/** Returns what the toggles of upstream say of notification types that the catalog has. */
function readToggles(answer: JsonObject, { toggles }: CustomerImport, { rules }: Catalog): JsonObject {
  const changes: JsonObject = {};
  for (const { type, enabled, channel } of toggles ? readList(answer, toggles) : []) {
    if (typeof type !== 'string' || typeof enabled !== 'boolean' || !rules.notifications.has(type)) continue;
    const method = CHANNELS.find((one) => one === channel);
    changes[type] = { enabled, ...(method && { channels: [method] }) };
  }
  return changes;
}

function toImported(
  { userId, taskId, connector, createdAt }: ClaimedTask,
  traits: JsonObject,
  products: readonly ImportedProduct[],
): object {
  return markOwn({
    event_id: `${CUSTOMER_IMPORTED} ${taskId}`,
    user_id: userId,
    event_type: CUSTOMER_IMPORTED,
    event_timestamp: isoTime(createdAt),
    properties: {
      connector,
      task_id: taskId,
      products: products.map(({ productId, product, status }) => ({
        ...{ product_uuid: productId, product },
        ...(status !== null && { status }),
      })),
    },
    user_traits: traits,
  });
}

function toPreferences({ userId, taskId, connector, createdAt }: ClaimedTask, types: JsonObject): object {
  return markOwn({
    event_id: `${PREFERENCE_UPDATED} ${taskId}`,
    user_id: userId,
    event_type: PREFERENCE_UPDATED,
    event_timestamp: isoTime(createdAt),
    properties: { types, by: { kind: 'system', id: connector } },
  });
}

/** Returns the registrations that follow an import. A second time it returns the same. */
function toRegistrations(
  { taskId, userId }: ClaimedTask,
  { registers }: CustomerImport,
  { connectors }: Catalog,
  products: readonly ImportedProduct[],
): NewTask[] {
  return registers.flatMap((name) => {
    const next = connectors?.byName.get(name);
    if (next?.kind !== 'card-registration') return [];
    return products
      .filter(({ product }) => next.products.includes(product))
      .map(({ productId }) => ({
        ...{ taskId: contentUuid(`${taskId} ${name} ${productId}`), connector: name },
        ...{ kind: 'card-registration' as const, userId, productId },
      }));
  });
}
