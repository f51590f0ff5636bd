import type { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { Device, DeviceSecret, PushService, Registration } from '../../model/device.ts';
import type { Principal } from '../../model/principal.ts';
import { listDevices, MAX_USER_DEVICES, registerDevice, removeDevice } from '../../store/devices/devices.ts';
import { findSurvivor } from '../../store/merge/merged-users.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { requireUser } from '../require-user.ts';
import {
  device,
  deviceList,
  deviceParams,
  devicesQuery,
  newApnsDevice,
  newDevice,
  newFcmDevice,
  ownDeviceParams,
  userParams,
} from '../schemas/devices.ts';

/** The devices of users: of one that is named in the path, and of the user of a token. */
export function registerDeviceRoutes(app: App, dependencies: HttpDependencies): void {
  const { outbound } = dependencies;
  const devices = new UserDevices(dependencies);
  const users = '/api/v1/users/:user_id/devices';
  const own = '/api/v1/me/devices';
  const read = { scope: 'users:read' } as const;
  const write = { scope: 'users:write', errors: ['too_many_devices'] } as const;
  const me = { scope: 'me' } as const;
  const registerOwn = { scope: 'me', errors: ['too_many_devices'] } as const;
  const list = { tags: ['devices'], querystring: devicesQuery, response: { 200: deviceList } };
  const add = { tags: ['devices'], response: { 200: device, 201: device } };
  const remove = { tags: ['devices'], response: { 200: device } };

  app.get(
    users,
    {
      config: read,
      schema: {
        operationId: 'listDevices',
        summary: 'List the devices of a user, those registered last first',
        params: userParams,
        ...list,
      },
    },
    ({ principal, params, query }) => devices.list(principal, params.user_id, query),
  );
  app.post(
    users,
    {
      config: write,
      schema: {
        operationId: 'registerDevice',
        summary: 'Register a device of a user; a token that is known is no new device',
        params: userParams,
        body: newDevice,
        ...add,
      },
    },
    async ({ principal, params, body }, reply) => {
      const { isNew, view } = await devices.register(principal, params.user_id, toRegistration(body, outbound));
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );
  app.post(
    `${users}/apns`,
    {
      config: write,
      schema: {
        operationId: 'registerApnsDevice',
        summary: 'Register a device of a user by its token of APNs',
        params: userParams,
        body: newApnsDevice,
        ...add,
      },
    },
    async ({ principal, params, body }, reply) => {
      const { isNew, view } = await devices.register(principal, params.user_id, fromApns(body));
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );
  app.post(
    `${users}/fcm`,
    {
      config: write,
      schema: {
        operationId: 'registerFcmDevice',
        summary: 'Register a device of a user by its token of Firebase',
        params: userParams,
        body: newFcmDevice,
        ...add,
      },
    },
    async ({ principal, params, body }, reply) => {
      const { isNew, view } = await devices.register(principal, params.user_id, fromFcm(body));
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );
  app.delete(
    `${users}/:device_id`,
    {
      config: { scope: 'users:write', errors: ['not_found'] },
      schema: {
        operationId: 'removeDevice',
        summary: 'Remove a device of a user: nothing is sent to it from then on',
        params: deviceParams,
        ...remove,
      },
    },
    ({ principal, params }) => devices.remove(principal, params.user_id, params.device_id),
  );

  app.get(
    own,
    {
      config: me,
      schema: { operationId: 'listOwnDevices', summary: 'List my devices, those registered last first', ...list },
    },
    ({ principal, query }) => devices.list(principal, requireUser(principal), query),
  );
  app.post(
    own,
    {
      config: registerOwn,
      schema: {
        operationId: 'registerOwnDevice',
        summary: 'Register a device of mine; a token that is known is no new device',
        body: newDevice,
        ...add,
      },
    },
    async ({ principal, body }, reply) => {
      const { isNew, view } = await devices.register(principal, requireUser(principal), toRegistration(body, outbound));
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );
  app.post(
    `${own}/apns`,
    {
      config: registerOwn,
      schema: {
        operationId: 'registerOwnApnsDevice',
        summary: 'Register a device of mine by its token of APNs',
        body: newApnsDevice,
        ...add,
      },
    },
    async ({ principal, body }, reply) => {
      const { isNew, view } = await devices.register(principal, requireUser(principal), fromApns(body));
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );
  app.post(
    `${own}/fcm`,
    {
      config: registerOwn,
      schema: {
        operationId: 'registerOwnFcmDevice',
        summary: 'Register a device of mine by its token of Firebase',
        body: newFcmDevice,
        ...add,
      },
    },
    async ({ principal, body }, reply) => {
      const { isNew, view } = await devices.register(principal, requireUser(principal), fromFcm(body));
      return reply.status(isNew ? 201 : 200).send(view);
    },
  );
  app.delete(
    `${own}/:device_id`,
    {
      config: { scope: 'me', errors: ['not_found'] },
      schema: {
        operationId: 'removeOwnDevice',
        summary: 'Remove a device of mine: nothing is sent to it from then on',
        params: ownDeviceParams,
        ...remove,
      },
    },
    ({ principal, params }) => devices.remove(principal, requireUser(principal), params.device_id),
  );
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The devices of any user, as the API shows and changes them; of one that was merged those of the survivor. */
class UserDevices {
  readonly #dependencies: HttpDependencies;

  constructor(dependencies: HttpDependencies) {
    this.#dependencies = dependencies;
  }

  async list({ tenantId }: Principal, namedId: string, { retired }: z.infer<typeof devicesQuery>) {
    const pool = this.#dependencies.database.forTenant(tenantId);
    const userId = await findSurvivor(pool, tenantId, namedId);
    return { devices: (await listDevices(pool, tenantId, userId, retired === 'true')).map(toView) };
  }

  async register({ tenantId }: Principal, namedId: string, registration: Registration) {
    const { database, seal, clock } = this.#dependencies;
    const pool = database.forTenant(tenantId);
    const of = { tenantId, userId: await findSurvivor(pool, tenantId, namedId) };
    const registered = await registerDevice(pool, seal, of, registration, clock());
    if (registered) return { isNew: registered.isNew, view: toView(registered.device) };
    throw new TidingsError(
      'too_many_devices',
      `The user has ${MAX_USER_DEVICES} devices, the most that one may have; remove one that is no longer used.`,
    );
  }

  async remove({ tenantId }: Principal, namedId: string, deviceId: string) {
    const { database, clock } = this.#dependencies;
    const pool = database.forTenant(tenantId);
    const of = { tenantId, userId: await findSurvivor(pool, tenantId, namedId), deviceId: deviceId.toLowerCase() };
    const removed = UUID.test(deviceId) && (await removeDevice(pool, of, clock()));
    if (removed) return toView(removed);
    throw new TidingsError('not_found', 'The user has no such device, or it is retired.', { pointer: 'device_id' });
  }
}

/** Tokens of APNs are hexadecimal; those of Firebase have other characters. */
const APNS_TOKEN = /^[0-9a-f]+$/i;

/** @throws TidingsError for fields that do not go together */
function toRegistration(body: z.infer<typeof newDevice>, outbound: HttpDependencies['outbound']): Registration {
  const { platform, token, subscription, app, environment } = body;
  if (platform === 'web') {
    if (!subscription || token !== undefined)
      throw wrong('/subscription', 'A browser has a subscription and no token; write subscription.');
    if (environment !== undefined) throw wrong('/environment', 'Only APNs has an environment; leave it out.');
    if ((body.service ?? 'web_push') !== 'web_push')
      throw wrong('/service', 'A browser is reached by web_push; leave service out.');
    const fault = outbound.findFault(subscription.endpoint);
    if (fault !== undefined)
      throw wrong('/subscription/endpoint', `The endpoint ${fault}; write the URL that the browser gave.`);
    const { p256dh, auth } = subscription.keys;
    const secret: DeviceSecret = { endpoint: subscription.endpoint, p256dh: trim(p256dh), auth: trim(auth) };
    return { platform, service: 'web_push', app, environment: null, secret };
  }
  if (token === undefined || subscription)
    throw wrong('/token', 'A device has a token and no subscription; write token.');
  const isApns = platform === 'ios' && APNS_TOKEN.test(token);
  const service: PushService = body.service ?? (isApns ? 'apns' : 'fcm');
  if (service === 'web_push' || (service === 'apns' && platform !== 'ios'))
    throw wrong(
      '/service',
      `A device with ${platform} is not reached by ${service}; write ${platform === 'ios' ? 'apns or fcm' : 'fcm'}.`,
    );
  if (service === 'apns') return toApns(token, app, environment, '/token');
  if (environment !== undefined) throw wrong('/environment', 'Only APNs has an environment; leave it out.');
  return { platform, service, app, environment: null, secret: { token } };
}

function fromApns({ registration_id, app, environment }: z.infer<typeof newApnsDevice>): Registration {
  return toApns(registration_id, app, environment, '/registration_id');
}

function fromFcm({ registration_id, app, platform }: z.infer<typeof newFcmDevice>): Registration {
  return { platform, service: 'fcm', app, environment: null, secret: { token: registration_id } };
}

function toApns(
  token: string,
  app: string,
  environment: Registration['environment'] | undefined,
  pointer: string,
): Registration {
  if (!APNS_TOKEN.test(token)) throw wrong(pointer, 'A token of APNs is hexadecimal; write it as hexadecimal digits.');
  // The same token in other letters is the same device.
  return {
    platform: 'ios',
    service: 'apns',
    app,
    environment: environment ?? 'production',
    secret: { token: token.toLowerCase() },
  };
}

function trim(base64: string): string {
  return base64.replace(/=+$/, '');
}

function wrong(pointer: string, message: string): TidingsError {
  return new TidingsError('invalid_request', message, { pointer });
}

function toView(one: Device): z.infer<typeof device> {
  return {
    device_id: one.deviceId,
    user_id: one.userId,
    platform: one.platform,
    service: one.service,
    app: one.app,
    environment: one.environment,
    token: one.mask,
    registered_at: isoTime(one.registeredAt),
    seen_at: isoTime(one.seenAt),
    retired_at: one.retiredAt === null ? null : isoTime(one.retiredAt),
    retired_code: one.retiredCode,
  };
}
