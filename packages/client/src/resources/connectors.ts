import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  CardCallRequest,
  CardCallResult,
  CardRegistrationRequest,
  CardRegistrationTasks,
  Connector,
  ConnectorSecrets,
  ConnectorTask,
  ConnectorTasksRetried,
  ConnectorTasksRetry,
  UserProduct,
} from '../types.ts';

/** Connections to other services, what they have to do, and the products of users. */
export class Connectors extends Resource {
  list(options?: CallOptions): Listing<Connector> {
    return this.pages('/api/v1/connectors', 'connectors', {}, options);
  }

  /** Sets secrets; null removes one, and the others stay. */
  setSecrets(connector: string, secrets: ConnectorSecrets, options?: CallOptions): Promise<Connector> {
    return this.request(
      'put',
      '/api/v1/connectors/{connector}/secrets',
      { path: { connector }, body: secrets },
      options,
    );
  }

  listTasks(query: Query<'listConnectorTasks'> = {}, options?: CallOptions): Listing<ConnectorTask> {
    return this.pages('/api/v1/connector-tasks', 'tasks', { query }, options);
  }

  /** Runs a task again that ended as a dead letter. */
  retryTask(taskId: string, options?: CallOptions): Promise<ConnectorTask> {
    return this.request('post', '/api/v1/connector-tasks/{task_id}/retry', { path: { task_id: taskId } }, options);
  }

  /** Runs dead letters again, up to 5000 of them; `has_more`: call again with the `ended_until` of the answer. */
  retryTasks(filter: ConnectorTasksRetry = {}, options?: CallOptions): Promise<ConnectorTasksRetried> {
    return this.request('post', '/api/v1/connector-tasks/retry', { body: filter }, options);
  }

  listProducts(userId: string, options?: CallOptions): Listing<UserProduct> {
    return this.pages('/api/v1/users/{user_id}/products', 'products', { path: { user_id: userId } }, options);
  }

  /** Has products of a user registered with the card network. */
  registerProducts(
    userId: string,
    request: CardRegistrationRequest = {},
    options?: CallOptions,
  ): Promise<CardRegistrationTasks> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/products/register', { path, body: request }, options);
  }

  /** Calls the card network about a product that is registered. */
  callCardNetwork(
    userId: string,
    productId: string,
    call: 'get_card_list' | 'set_card_policy',
    request: CardCallRequest = {},
    options?: CallOptions,
  ): Promise<CardCallResult> {
    const path = { user_id: userId, product_id: productId, call };
    return this.request(
      'post',
      '/api/v1/users/{user_id}/products/{product_id}/calls/{call}',
      { path, body: request },
      options,
    );
  }
}
