import type { App, HttpDependencies } from '../app.ts';
import { CustomerNotifications } from '../customer-notifications.ts';
import { customerParams, toggle, toggleChange, toggleList } from '../schemas/customer-notifications.ts';

/**
 * The toggles of a customer, for their app: also under the paths without /api/v1, and with the token of the customer. The id of
 * a change is that of the toggle.
 */
export function registerCustomerNotificationRoutes(app: App, parts: HttpDependencies): void {
  const service = new CustomerNotifications(parts);
  for (const url of ['/api/v1/customer-notifications/:id', '/customer-notifications/:id']) {
    const ending = url.startsWith('/api/') ? '' : 'AtRoot';
    app.get(
      url,
      {
        config: { scope: 'preferences:read', takesUsers: true, errors: ['not_found'] },
        schema: {
          operationId: `listCustomerNotifications${ending}`,
          summary: 'List the toggles of a customer: one for each category of notifications that can concern them',
          tags: ['preferences'],
          params: customerParams,
          response: { 200: toggleList },
        },
      },
      ({ principal, params }) => service.list(principal, params.id),
    );
    app.patch(
      url,
      {
        config: { scope: 'preferences:write', takesUsers: true, errors: ['not_found', 'preference_locked'] },
        schema: {
          operationId: `changeCustomerNotification${ending}`,
          summary: 'Change a toggle of a customer, by the id of the toggle',
          tags: ['preferences'],
          params: customerParams,
          body: toggleChange,
          response: { 200: toggle },
        },
      },
      ({ principal, params, body }) =>
        service.change(principal, params.id, { enabled: body.enabled, method: body.selected_delivery_method }),
    );
  }
}
