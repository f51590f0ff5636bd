import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { CustomerNotification, CustomerNotificationChange } from '../types.ts';

/** The toggles of customers, for their app: also with the token of the customer. */
export class CustomerNotifications extends Resource {
  /** Returns the toggles of a customer: one for each category of notifications that can concern them. */
  list(customerUuid: string, options?: CallOptions): Promise<CustomerNotification[]> {
    return this.request('get', '/api/v1/customer-notifications/{id}', { path: { id: customerUuid } }, options);
  }

  /** Changes a toggle by its own id, and returns it as it is then. */
  update(toggleId: string, change: CustomerNotificationChange, options?: CallOptions): Promise<CustomerNotification> {
    const call = { path: { id: toggleId }, body: change };
    return this.request('patch', '/api/v1/customer-notifications/{id}', call, options);
  }
}
