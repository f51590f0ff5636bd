import { z } from 'zod';
import { PLATFORMS, PUSH_ENVIRONMENTS, PUSH_SERVICES } from '../../model/device.ts';
import { idOf, listOf, storable, timestamp, userId, userIdParam } from './common.ts';

/* Devices of users: what push messages go to. */

const TOKEN = 'write the token as the app got it: 8 to 4096 printable characters without blanks';
const token = z
  .string(TOKEN)
  .regex(/^[\x21-\x7e]{8,4096}$/, TOKEN)
  .describe('Token of the app on the device, as its system gave it');

const APP = 'write the name of the app: up to 128 letters, digits, dots, dashes and underscores';
const app = z
  .string(APP)
  .regex(/^[\w.-]{1,128}$/, APP)
  .default('default')
  .meta({ description: 'Name of the app, if the tenant has several', examples: ['com.example.app'] });

const environment = z
  .enum(PUSH_ENVIRONMENTS)
  .optional()
  .describe('Environment of APNs: `sandbox` for apps that run from Xcode; by default `production`');

const key = (chars: number, what: string) =>
  z.string().regex(new RegExp(`^[\\w-]{${chars}}={0,2}$`), `write the ${what} as base64url, ${chars} characters`);

const subscription = z
  .strictObject({
    endpoint: storable(z.string().min(1).max(2048)).describe('HTTPS URL of the push service'),
    expirationTime: z.number().nullish().describe('Ignored: the push service says when it has ended'),
    keys: z.strictObject({ p256dh: key(87, 'public key'), auth: key(22, 'secret') }),
  })
  .meta({
    id: 'PushSubscription',
    description: 'The subscription of a browser, as `PushSubscription.toJSON()` gives it',
  });

export const newDevice = z
  .strictObject({
    platform: z.enum(PLATFORMS),
    token: token.optional(),
    subscription: subscription.optional(),
    app,
    environment,
    service: z
      .enum(PUSH_SERVICES)
      .optional()
      .describe(
        'The service that the token is of; by default that of the platform. `fcm` for an iOS app with the Firebase SDK',
      ),
  })
  .meta({
    id: 'NewDevice',
    description: 'A device with its token, or a browser with its subscription',
    examples: [{ platform: 'android', token: 'fGx2:APA91bHun4MxP5egoKMwt2KZFBaFUH' }],
  });

export const newApnsDevice = z.strictObject({ registration_id: token, app, environment }).meta({
  id: 'NewApnsDevice',
  description: 'A device with a token of APNs',
  examples: [{ registration_id: '740f4707bebcf74f' }],
});

export const newFcmDevice = z
  .strictObject({ registration_id: token, app, platform: z.enum(['android', 'ios']).default('android') })
  .meta({
    id: 'NewFcmDevice',
    description: 'A device with a token of Firebase Cloud Messaging',
    examples: [{ registration_id: 'fGx2:APA91bHun4MxP5egoKMwt2KZFBaFUH' }],
  });

export const userParams = z.object({ user_id: userIdParam });

const deviceId = z
  .string()
  .max(64)
  .meta({ examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] });
export const deviceParams = z.object({ user_id: userIdParam, device_id: deviceId });
export const ownDeviceParams = z.object({ device_id: deviceId });

export const devicesQuery = z.strictObject({
  retired: z.enum(['true', 'false']).default('false').describe('Whether to list the retired ones as well'),
});

export const device = z
  .object({
    device_id: idOf('device'),
    user_id: userId,
    platform: z.enum(PLATFORMS),
    service: z.enum(PUSH_SERVICES),
    app: z.string(),
    environment: z.enum(PUSH_ENVIRONMENTS).nullable(),
    token: z.string().meta({ description: 'Its mask', examples: ['…BFUH'] }),
    registered_at: timestamp,
    seen_at: timestamp.describe('When the app last registered it'),
    retired_at: timestamp.nullable().describe('Null: messages are sent to it'),
    retired_code: z
      .string()
      .nullable()
      .describe(
        'Why nothing is sent to it: `moved`, `removed`, or the code with which its provider said that it is gone',
      ),
  })
  .meta({ id: 'Device', description: 'A device or a browser that push messages go to' });

export const deviceList = z.object({ devices: listOf(device) }).meta({ id: 'DeviceList' });
