import type pg from 'pg';
import type { Target } from '../model/delivery.ts';
import type { Device, DeviceSecret } from '../model/device.ts';
import { MISSING_DEVICE } from '../model/missing-address.ts';
import type { Seal } from '../privacy/seal.ts';
import { listDeviceIds, loadDevice } from '../store/devices/devices.ts';
import { MAX_TARGETS, type TargetSource } from './targets.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns where push messages go: the devices of their user. */
export function deviceTargets(pool: pg.Pool, seal: Seal): TargetSource {
  const load = async (tenantId: string, target: string) =>
    UUID.test(target) ? loadDevice(pool, seal, tenantId, target) : undefined;
  return {
    list: ({ tenantId, userId }) => listDeviceIds(pool, tenantId, userId, MAX_TARGETS),
    load: async (tenantId, target) => {
      const device = await load(tenantId, target);
      return device && toTarget(device);
    },
    findService: async (tenantId, target) => (await load(tenantId, target))?.service,
    missing: MISSING_DEVICE,
  };
}

function toTarget({
  platform,
  service,
  environment,
  seenAt,
  secret,
}: Device & { readonly secret: DeviceSecret }): Target {
  // Registered again is registered later: the provider may have learned of an earlier end since.
  if ('endpoint' in secret) return { kind: 'browser', ...secret, registeredAt: seenAt };
  return {
    kind: 'device',
    platform: platform === 'ios' ? 'ios' : 'android',
    service: service === 'apns' ? 'apns' : 'fcm',
    token: secret.token,
    ...(environment === null ? {} : { environment }),
    registeredAt: seenAt,
  };
}
