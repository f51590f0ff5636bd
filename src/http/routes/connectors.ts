import { Connectors } from '../../connectors/connectors.ts';
import { DEFAULT_TENANT } from '../../model/event.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import {
  cardCallParams,
  cardCallRequest,
  cardCallResult,
  cardRegistrationRequest,
  cardRegistrationTasks,
  connector,
  connectorList,
  connectorParams,
  connectorSecrets,
  connectorTask,
  connectorTaskPage,
  connectorTaskQuery,
  connectorTasksRetried,
  connectorTasksRetry,
  productUserParams,
  taskParams,
  userProductList,
} from '../schemas/connectors.ts';

const TAGS = ['connectors'];

/** Connectors of the catalog, their secrets and tasks, and the products of users. */
export function registerConnectorRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, catalogs, seal, clock, connectorClient, connectorSettings, outbound } = dependencies;
  const environment = connectorSettings ?? { tenantId: DEFAULT_TENANT, secrets: new Map() };
  const client = connectorClient ?? outbound;
  const connectors = new Connectors({ database, catalogs, seal, environment, clock, client });
  const cursors = new Cursors(seal);

  app.get(
    '/api/v1/connectors',
    {
      config: { scope: 'accounts:read' },
      schema: {
        operationId: 'listConnectors',
        summary: 'List the connectors of the active catalog, without their secrets',
        tags: TAGS,
        response: { 200: connectorList },
      },
    },
    async ({ principal }) => ({ connectors: await connectors.list(principal) }),
  );

  app.put(
    '/api/v1/connectors/:connector/secrets',
    {
      config: { scope: 'accounts:write', errors: ['not_found'] },
      schema: {
        operationId: 'setConnectorSecrets',
        summary: 'Set secrets of a connector; they are sealed, and never shown',
        tags: TAGS,
        params: connectorParams,
        body: connectorSecrets,
        response: { 200: connector },
      },
    },
    ({ principal, params, body }) => connectors.setSecrets(principal, params.connector, body),
  );

  app.get(
    '/api/v1/connector-tasks',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'listConnectorTasks',
        summary: 'List what connectors have to do, and did, newest first',
        tags: TAGS,
        querystring: connectorTaskQuery,
        response: { 200: connectorTaskPage },
      },
    },
    async (request) => {
      const { state, user_id: userId, connector: name, code, limit } = request.query;
      const at = cursors.read(request, ['number', 'uuid']);
      const before = at && { createdAt: at[0], taskId: at[1] };
      const filter = { state, userId, connector: name, code };
      const tasks = await connectors.listTasks(request.principal, filter, limit, before);
      const toPosition = ({ created_at, task_id }: (typeof tasks)[number]) => [Date.parse(created_at), task_id];
      return { tasks, next: cursors.next(request, tasks, limit, toPosition) };
    },
  );

  app.post(
    '/api/v1/connector-tasks/retry',
    {
      config: { scope: 'deliveries:write' },
      schema: {
        operationId: 'retryConnectorTasks',
        summary: 'Run tasks again that ended as dead letters, up to 5000 of them, the oldest first',
        tags: TAGS,
        body: connectorTasksRetry,
        response: { 200: connectorTasksRetried },
      },
    },
    ({ principal, body: { connector: name, code, ended_until: until } }) => {
      const filter = { ...(name !== undefined && { connector: name }), ...(code !== undefined && { code }) };
      return connectors.retryTasks(principal, filter, until === undefined ? undefined : Date.parse(until));
    },
  );

  app.post(
    '/api/v1/connector-tasks/:task_id/retry',
    {
      config: { scope: 'deliveries:write', errors: ['not_found', 'not_retryable'] },
      schema: {
        operationId: 'retryConnectorTask',
        summary: 'Run a task again that ended as a dead letter',
        tags: TAGS,
        params: taskParams,
        response: { 200: connectorTask },
      },
    },
    ({ principal, params }) => connectors.retryTask(principal, params.task_id),
  );

  app.get(
    '/api/v1/users/:user_id/products',
    {
      config: { scope: 'users:read' },
      schema: {
        operationId: 'listUserProducts',
        summary: 'List the products of a user, and what the card network said of each',
        tags: TAGS,
        params: productUserParams,
        response: { 200: userProductList },
      },
    },
    async ({ principal, params }) => ({ products: await connectors.listProducts(principal, params.user_id) }),
  );

  app.post(
    '/api/v1/users/:user_id/products/register',
    {
      config: { scope: 'deliveries:write', errors: ['not_found'] },
      schema: {
        operationId: 'registerUserProducts',
        summary: 'Have products of a user registered with the card network',
        tags: TAGS,
        params: productUserParams,
        body: cardRegistrationRequest,
        response: { 202: cardRegistrationTasks },
      },
    },
    async ({ principal, params, body }, reply) => {
      const tasks = await connectors.register(principal, params.user_id, body.connector, body.product_ids);
      return reply.status(202).send({ tasks });
    },
  );

  app.post(
    '/api/v1/users/:user_id/products/:product_id/calls/:call',
    {
      config: { scope: 'deliveries:write', errors: ['not_found', 'not_retryable'] },
      schema: {
        operationId: 'callCardNetwork',
        summary: 'Call the card network about a product that is registered',
        tags: TAGS,
        params: cardCallParams,
        body: cardCallRequest,
        response: { 200: cardCallResult },
      },
    },
    ({ principal, params, body }) =>
      connectors.call(
        principal,
        { userId: params.user_id, productId: params.product_id },
        params.call,
        body.body ?? {},
        body.connector,
      ),
  );
}
