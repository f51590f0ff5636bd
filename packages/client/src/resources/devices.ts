import type { CallOptions } from '../connection.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Device, DeviceList, NewApnsDevice, NewDevice, NewFcmDevice } from '../types.ts';

/** Devices of users that push messages go to. */
export class Devices extends Resource {
  /** Returns the devices of a user, those registered last first. */
  list(userId: string, query: Query<'listDevices'> = {}, options?: CallOptions): Promise<DeviceList> {
    return this.request('get', '/api/v1/users/{user_id}/devices', { path: { user_id: userId }, query }, options);
  }

  /** Registers a device; a token that is known is no new device, and one of another user moves. */
  register(userId: string, device: NewDevice, options?: CallOptions): Promise<Device> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/devices', { path, body: device }, options);
  }

  registerApns(userId: string, device: NewApnsDevice, options?: CallOptions): Promise<Device> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/devices/apns', { path, body: device }, options);
  }

  registerFcm(userId: string, device: NewFcmDevice, options?: CallOptions): Promise<Device> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/devices/fcm', { path, body: device }, options);
  }

  /** Removes a device: nothing is sent to it from then on. */
  remove(userId: string, deviceId: string, options?: CallOptions): Promise<Device> {
    const path = { user_id: userId, device_id: deviceId };
    return this.request('delete', '/api/v1/users/{user_id}/devices/{device_id}', { path }, options);
  }
}
