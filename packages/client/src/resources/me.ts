import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  Consent,
  Device,
  DeviceList,
  InboxItem,
  InboxItemChange,
  InboxMark,
  InboxMarked,
  Me as Myself,
  NewApnsDevice,
  NewConsent,
  NewDevice,
  NewFcmDevice,
  OwnNotification,
  PreferenceChange,
  Preferences,
  paths,
  RecordedConsent,
} from '../types.ts';

type Action = paths['/api/v1/me/inbox/{notification_id}/{action}']['post']['parameters']['path']['action'];
type Mark = paths['/api/v1/me/inbox/{mark}']['post']['parameters']['path']['mark'];

/** The user of a token; other credentials are rejected. */
export class Me extends Resource {
  get(options?: CallOptions): Promise<Myself> {
    return this.request('get', '/api/v1/me', {}, options);
  }

  /** Lists the notifications of the user, newest first. */
  notifications(query: Query<'listOwnNotifications'> = {}, options?: CallOptions): Listing<OwnNotification> {
    return this.pages('/api/v1/me/notifications', 'notifications', { query }, options);
  }

  /** Returns the devices of the user, those registered last first. */
  devices(query: Query<'listOwnDevices'> = {}, options?: CallOptions): Promise<DeviceList> {
    return this.request('get', '/api/v1/me/devices', { query }, options);
  }

  registerDevice(device: NewDevice, options?: CallOptions): Promise<Device> {
    return this.request('post', '/api/v1/me/devices', { body: device }, options);
  }

  registerApnsDevice(device: NewApnsDevice, options?: CallOptions): Promise<Device> {
    return this.request('post', '/api/v1/me/devices/apns', { body: device }, options);
  }

  registerFcmDevice(device: NewFcmDevice, options?: CallOptions): Promise<Device> {
    return this.request('post', '/api/v1/me/devices/fcm', { body: device }, options);
  }

  removeDevice(deviceId: string, options?: CallOptions): Promise<Device> {
    return this.request('delete', '/api/v1/me/devices/{device_id}', { path: { device_id: deviceId } }, options);
  }

  /** Lists the inbox of the user, the latest item first. */
  inbox(query: Query<'listOwnInbox'> = {}, options?: CallOptions): Listing<InboxItem> {
    return this.pages('/api/v1/me/inbox', 'items', { query }, options);
  }

  /** Changes an item of the inbox, as `inbox.change`. */
  changeInboxItem(
    notificationId: string,
    action: Action,
    change?: InboxItemChange,
    options?: CallOptions,
  ): Promise<InboxItem> {
    const path = { notification_id: notificationId, action };
    return this.request('post', '/api/v1/me/inbox/{notification_id}/{action}', { path, body: change }, options);
  }

  /** Marks all items of the inbox, or those up to a sequence: `read-all` or `seen-all`. */
  markInbox(mark: Mark, upTo?: InboxMark, options?: CallOptions): Promise<InboxMarked> {
    return this.request('post', '/api/v1/me/inbox/{mark}', { path: { mark }, body: upTo }, options);
  }

  /** Returns what goes to me, with what decides that. */
  preferences(options?: CallOptions): Promise<Preferences> {
    return this.request('get', '/api/v1/me/preferences', {}, options);
  }

  /** Changes my preferences; the others stay. */
  updatePreferences(change: PreferenceChange, options?: CallOptions): Promise<Preferences> {
    return this.request('patch', '/api/v1/me/preferences', { body: change }, options);
  }

  /** Replaces my preferences: what is not named is as if I had never chosen. */
  replacePreferences(preferences: PreferenceChange, options?: CallOptions): Promise<Preferences> {
    return this.request('put', '/api/v1/me/preferences', { body: preferences }, options);
  }

  /** Lists my consents, the one that was recorded last first. */
  consents(query: Query<'listOwnConsents'> = {}, options?: CallOptions): Listing<Consent> {
    return this.pages('/api/v1/me/consents', 'consents', { query }, options);
  }

  /** Records that I granted or withdrew consent. */
  recordConsent(consent: NewConsent, options?: CallOptions): Promise<RecordedConsent> {
    return this.request('post', '/api/v1/me/consents', { body: consent }, options);
  }
}
