import type { Millis } from './event.ts';

export const PLATFORMS = ['ios', 'android', 'web'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** The services that carry push messages to devices. An iOS app with the Firebase SDK is reached by `fcm`. */
export const PUSH_SERVICES = ['apns', 'fcm', 'web_push'] as const;
export type PushService = (typeof PUSH_SERVICES)[number];

/** Environments of APNs. */
export const PUSH_ENVIRONMENTS = ['sandbox', 'production'] as const;
export type PushEnvironment = (typeof PUSH_ENVIRONMENTS)[number];

/** Secret of a device, without which nothing reaches it: its token, or the subscription of a browser with keys in base64url. Never shown or logged. */
export type DeviceSecret =
  | { readonly token: string }
  | { readonly endpoint: string; readonly p256dh: string; readonly auth: string };

/** A device that an app registers for one of its users. */
export interface Registration {
  readonly platform: Platform;
  readonly service: PushService;
  /** Name of the app, for users with several apps of one tenant. */
  readonly app: string;
  /** Environment of APNs; null: production, or another service. */
  readonly environment: PushEnvironment | null;
  readonly secret: DeviceSecret;
}

/** A device as it is shown: its token only as a mask. */
export interface Device {
  readonly deviceId: string;
  readonly userId: string;
  readonly platform: Platform;
  readonly service: PushService;
  readonly app: string;
  readonly environment: PushEnvironment | null;
  readonly mask: string;
  readonly registeredAt: Millis;
  /** When the app last registered it. */
  readonly seenAt: Millis;
  /** Null: messages are sent to it. */
  readonly retiredAt: Millis | null;
  /** `moved`, `removed`, or the code with which the provider said that it is gone; null: messages are sent to it. */
  readonly retiredCode: string | null;
}
