import type { Notification } from '../api.ts';
import { DeliveryLine } from './DeliveryLine.tsx';

/** The deliveries of some notifications, one a line. */
export function NotificationLines({ notifications, named }: { notifications: Notification[]; named?: boolean }) {
  return notifications.map((notification) => (
    <div key={notification.notification_id} className="notification" data-testid="notification">
      {named && <span className="name">{notification.notification_type}</span>}
      {notification.deliveries.map((delivery) => (
        <DeliveryLine key={delivery.delivery_id} delivery={delivery} />
      ))}
    </div>
  ));
}
