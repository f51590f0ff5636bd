import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import { freshId } from '../lib/fresh-id.ts';
import {
  type CardCall,
  type CardRegistration,
  CONNECTOR_SECRETS,
  type Connector,
  type ConnectorSecret,
} from '../model/connector.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Principal } from '../model/principal.ts';
import type { Seal } from '../privacy/seal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { listProducts, loadProduct, type UserProduct } from '../store/connectors/products.ts';
import { listSecretNames, loadSecrets, lockSecrets, saveSecrets } from '../store/connectors/secrets.ts';
import {
  countTasks,
  insertTasks,
  listTasks,
  loadTask,
  type NewTask,
  reopenTask,
  reopenTasks,
  type StoredTask,
  type TaskCount,
  type TaskFilter,
  wakeTasks,
} from '../store/connectors/tasks.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import type { CardCallResult } from './cards/later-calls.ts';
import { type EnvironmentSecrets, findEnvironmentSecrets, findSecrets, SECRET_MISSING } from './find-secrets.ts';

/** Tasks that one request runs again, or wakes, at most. */
const MAX_RETRIED = 5000;

export interface ConnectorsOptions {
  readonly database: TenantDatabase;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly environment: EnvironmentSecrets;
  readonly clock: () => Millis;
  /** For the later calls to a card network. */
  readonly client: GuardedClient;
}

/** The connectors of a tenant, their secrets and tasks, and the products of users, as operators manage them. */
export class Connectors {
  readonly #options: ConnectorsOptions;

  constructor(options: ConnectorsOptions) {
    this.#options = options;
  }

  /** Returns the connectors of the active catalog, in its order. */
  async list({ tenantId }: Principal) {
    const { database, catalogs } = this.#options;
    const pool = database.forTenant(tenantId);
    const { data } = await catalogs.refresh(tenantId);
    const names = await listSecretNames(pool, tenantId);
    const counts = await countTasks(pool, tenantId);
    return (data.connectors ?? []).map((one) => this.#toView(tenantId, one, names.get(one.name), counts));
  }

  /**
   * Sets secrets of a connector; null removes one, and the others stay. Tasks that waited for one are due.
   * @throws TidingsError `not_found`
   */
  async setSecrets(
    { tenantId, actor }: Principal,
    name: string,
    secrets: { readonly [secret in ConnectorSecret]?: string | null | undefined },
  ) {
    const { database, seal, clock } = this.#options;
    const connector = await this.#require(tenantId, name);
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      await lockSecrets(connection, tenantId);
      const known = (await loadSecrets(connection, seal, tenantId, name)) ?? {};
      const merged = CONNECTOR_SECRETS.flatMap((secret) => {
        const value = secrets[secret] === undefined ? known[secret] : secrets[secret];
        return value === undefined || value === null ? [] : [[secret, value] as const];
      });
      const now = clock();
      await saveSecrets(connection, seal, { tenantId, connector: name }, Object.fromEntries(merged), now);
      await wakeTasks(connection, { tenantId, connector: name, code: SECRET_MISSING }, MAX_RETRIED, now);
      const before: JsonObject = { secrets_set: Object.keys(known).sort() };
      const after: JsonObject = { secrets_set: merged.map(([secret]) => secret).sort() };
      const entry = { tenantId, actor, action: 'connector.secrets_changed', subject: name, detail: {}, before, after };
      await appendAuditEntry(connection, entry, now);
      const counts = await countTasks(connection, tenantId);
      return this.#toView(tenantId, connector, merged.map(([secret]) => secret).sort(), counts);
    });
  }

  /** Returns tasks, newest first. @param before the last one of the page before; null: from the newest */
  async listTasks(
    { tenantId }: Principal,
    filter: TaskFilter,
    limit: number,
    before: { readonly createdAt: Millis; readonly taskId: string } | null,
  ): Promise<TaskView[]> {
    const tasks = await listTasks(this.#options.database.forTenant(tenantId), tenantId, filter, limit, before);
    return tasks.map(toTaskView);
  }

  /** Runs a dead task again. @throws TidingsError `not_found`, `not_retryable` */
  async retryTask({ tenantId, actor }: Principal, taskId: string): Promise<TaskView> {
    const { database, clock } = this.#options;
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      const before = await loadTask(connection, tenantId, taskId);
      if (!before) throw new TidingsError('not_found', 'There is no such task of a connector.');
      const task = await reopenTask(connection, tenantId, taskId, clock());
      if (!task) {
        const message = 'The task is open, or done; only one that ended as a dead letter is run again.';
        throw new TidingsError('not_retryable', message);
      }
      const states = { before: { state: before.state }, after: { state: task.state } };
      const entry = { tenantId, actor, action: 'connector_task.retried', subject: taskId, detail: {}, ...states };
      await appendAuditEntry(connection, entry, clock());
      return toTaskView(task);
    });
  }

  /**
   * Runs dead tasks again, the oldest first, and at most MAX_RETRIED of them.
   * @param endedUntil only those that ended until then; undefined: until now
   * @returns how many, whether there may be more, and the time to ask for those with
   */
  async retryTasks(
    { tenantId, actor }: Principal,
    filter: { readonly connector?: string; readonly code?: string },
    endedUntil?: Millis,
  ) {
    const { database, clock } = this.#options;
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      const now = clock();
      const until = Math.min(endedUntil ?? now, now);
      const retried = await reopenTasks(connection, tenantId, { ...filter, endedUntil: until }, MAX_RETRIED, now);
      const detail = { ...filter, retried };
      const subject = filter.connector ?? 'all connectors';
      const entry = { tenantId, actor, action: 'connector_tasks.retried', subject, detail };
      await appendAuditEntry(connection, entry, clock());
      return { retried, has_more: retried === MAX_RETRIED, ended_until: isoTime(until) };
    });
  }

  /** Returns the products of a user, by id. The subscriber is shown to callers with personal_data:read. */
  async listProducts({ tenantId, scopes }: Principal, userId: string): Promise<ProductView[]> {
    const { database, seal } = this.#options;
    const products = await listProducts(database.forTenant(tenantId), seal, tenantId, userId);
    return products.map((product) => toProductView(product, scopes.has('personal_data:read')));
  }

  /**
   * Has products of a user registered with the card network by a worker, also those that are registered already.
   * @param name the connector; undefined: the only one of its kind
   * @param productIds undefined: those that the connector is for
   * @throws TidingsError `not_found`
   */
  async register(
    { tenantId, actor }: Principal,
    userId: string,
    name: string | undefined,
    productIds: readonly string[] | undefined,
  ): Promise<TaskView[]> {
    const { database, seal, clock } = this.#options;
    const connector = await this.#requireCards(tenantId, name);
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      const known = await listProducts(connection, seal, tenantId, userId);
      const missing = productIds?.find((id) => !known.some(({ productId }) => productId === id));
      if (missing !== undefined || known.length === 0) {
        throw new TidingsError('not_found', 'The user has no such product.');
      }
      const chosen = known.filter(({ productId, product }) =>
        productIds ? productIds.includes(productId) : connector.products.includes(product),
      );
      const tasks = chosen.map(({ productId }): NewTask => {
        return { taskId: freshId(), connector: connector.name, kind: connector.kind, userId, productId };
      });
      const now = clock();
      await insertTasks(connection, tenantId, tasks, now);
      const detail = { connector: connector.name, products: tasks.map(({ productId }) => productId) };
      const entry = { tenantId, actor, action: 'products.registration_asked', subject: userId, detail };
      await appendAuditEntry(connection, entry, now);
      const fresh = { state: 'open', attempts: 0, calls: 0, failureCode: null, failure: null, endedAt: null } as const;
      return tasks.map((task) => toTaskView({ ...task, ...fresh, createdAt: now, dueAt: now }));
    });
  }

  /**
   * Makes a later call to the card network about a product that is registered.
   * @throws TidingsError `not_found`; `not_retryable`: the product has no subscriber yet
   */
  async call(
    { tenantId, actor }: Principal,
    { userId, productId }: { readonly userId: string; readonly productId: string },
    call: CardCall,
    body: JsonObject,
    name: string | undefined,
  ): Promise<CardCallResult> {
    const { database, seal, clock, client } = this.#options;
    const connector = await this.#requireCards(tenantId, name);
    const pool = database.forTenant(tenantId);
    const product = await loadProduct(pool, seal, tenantId, productId);
    if (product?.userId !== userId) throw new TidingsError('not_found', 'The user has no such product.');
    const subscriber = product.subscriberReferenceId;
    if (subscriber === null) {
      throw new TidingsError(
        'not_retryable',
        'The product is not registered with the card network: it has no subscriber.',
      );
    }
    const secrets = await findSecrets(this.#options, pool, tenantId, connector.name);
    const detail = { connector: connector.name, product: productId, call };
    await withTransaction(pool, (connection) =>
      appendAuditEntry(
        connection,
        { tenantId, actor, action: 'card_network.called', subject: userId, detail },
        clock(),
      ),
    );
    // Loaded lazily: hardly any process makes such a call.
    const { callCardNetwork } = await import('./cards/later-calls.ts');
    return callCardNetwork(client, connector, call, { secrets, subscriber, body, now: clock() });
  }

  #toView(tenantId: string, connector: Connector, stored: readonly string[] | undefined, counts: readonly TaskCount[]) {
    const given = Object.keys(findEnvironmentSecrets(this.#options.environment, tenantId, connector.name)).sort();
    const tasks = counts.filter((count) => count.connector === connector.name);
    return toView(connector, { stored: stored ?? [], given }, tasks);
  }

  async #require(tenantId: string, name: string): Promise<Connector> {
    const { connectors } = await this.#options.catalogs.refresh(tenantId);
    const connector = connectors?.byName.get(name);
    if (connector) return connector;
    throw new TidingsError('not_found', 'The active catalog has no such connector.', { pointer: 'connector' });
  }

  async #requireCards(tenantId: string, name: string | undefined): Promise<CardRegistration> {
    const { data } = await this.#options.catalogs.refresh(tenantId);
    const found = (data.connectors ?? []).filter(
      (one): one is CardRegistration => one.kind === 'card-registration' && (name === undefined || one.name === name),
    );
    const [connector] = found;
    if (connector && found.length === 1) return connector;
    const message = connector
      ? 'The active catalog has several card registrations: name one as connector.'
      : 'The active catalog has no such card registration.';
    throw new TidingsError('not_found', message, { pointer: '/connector' });
  }
}

/** Reasons of a connector that are listed, at most: those of most dead tasks. */
const MAX_REASONS = 50;

export type TaskView = ReturnType<typeof toTaskView>;
type ProductView = ReturnType<typeof toProductView>;

function toView(
  connector: Connector,
  secrets: { readonly stored: readonly string[]; readonly given: readonly string[] },
  tasks: readonly TaskCount[],
) {
  return {
    name: connector.name,
    kind: connector.kind,
    description: connector.description ?? '',
    mode: connector.kind === 'card-registration' ? connector.mode : null,
    on: connector.kind === 'customer-import' ? connector.on : null,
    url: connector.url,
    secrets_set: [...new Set([...secrets.stored, ...secrets.given])].sort(),
    secrets_of_environment: [...secrets.given],
    open_tasks: tasks.reduce((sum, { open }) => sum + open, 0),
    dead_tasks: tasks.reduce((sum, { dead }) => sum + dead, 0),
    reasons: tasks
      .flatMap(({ code, open, dead }) => (code === null ? [] : [{ code, open, dead }]))
      .slice(0, MAX_REASONS),
  };
}

function toTaskView(task: StoredTask) {
  return {
    task_id: task.taskId,
    connector: task.connector,
    kind: task.kind,
    user_id: task.userId,
    product_id: task.productId,
    state: task.state,
    attempts: task.attempts,
    code: task.failureCode,
    reason: task.failure,
    created_at: isoTime(task.createdAt),
    due_at: isoTime(task.dueAt),
    ended_at: isoTimeOrNull(task.endedAt),
  };
}

function toProductView(product: UserProduct, showsSubscriber: boolean) {
  return {
    product_id: product.productId,
    product: product.product,
    status: product.status,
    registration: product.registration,
    registration_code: product.registrationCode,
    registered_at: isoTimeOrNull(product.registeredAt),
    subscriber_reference_id: showsSubscriber ? product.subscriberReferenceId : null,
    updated_at: isoTime(product.updatedAt),
  };
}
