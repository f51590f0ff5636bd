import { TidingsApiError } from '../api-error.ts';
import type { CallOptions } from '../connection.ts';
import type { Tidings } from '../tidings.ts';
import type { PreferenceChange, Preferences, SentCode, UserAddress } from '../types.ts';
import { NotificationChannel, type PreferenceFrequency } from './enums.ts';

/** A change of what a user wants of one notification type; what is absent stays. */
export interface PreferenceUpdate {
  /** The channels that are on; the others are off. */
  readonly channels?: readonly NotificationChannel[];
  readonly isEnabled?: boolean;
  readonly frequency?: PreferenceFrequency;
  /** Hours without messages that can wait. They are of the user, and hold for all types. False: none. */
  readonly quietHoursEnabled?: boolean;
  /** Time of day, such as `22:00`. */
  readonly quietHoursStart?: string;
  /** Excluded; before the start: on the next day. */
  readonly quietHoursEnd?: string;
  /** IANA zone of the hours; absent: that of the user. */
  readonly timezone?: string;
}

/** A channel that a user subscribed to, and the address that was added for it. */
export interface ChannelSubscription {
  readonly preferences: Preferences;
  /** Masked; undefined: no address was given. */
  readonly address: UserAddress | undefined;
  /** The code that was sent to the address; undefined: it is verified, none was given, or too many codes were sent already. */
  readonly verification: SentCode | undefined;
}

/** Reads and changes what users want to get. */
export class PreferenceService {
  readonly #tidings: Tidings;

  constructor(tidings: Tidings) {
    this.#tidings = tidings;
  }

  /** Returns what goes to a user, with what decides that. */
  getPreferences(userId: string, options?: CallOptions): Promise<Preferences> {
    return this.#tidings.preferences.get(userId, options);
  }

  /**
   * Changes what a user gets of a notification type.
   * @throws TidingsApiError `preference_locked` if the tenant does not let users choose it
   * @throws TypeError for quiet hours without a start or an end
   */
  async updatePreference(
    userId: string,
    type: string,
    update: PreferenceUpdate,
    options?: CallOptions,
  ): Promise<Preferences> {
    return this.#tidings.preferences.update(userId, toChange(type, update), options);
  }

  /**
   * Turns a channel on for a user, and adds the address that comes with it. An address that the user has stays as it is; the
   * first one of its kind is the one that messages go to. One that is not verified gets a code: `users.confirmAddress` of the client
   * verifies it. It is no consent to marketing: record that by `consents`.
   */
  async subscribeToChannel(
    userId: string,
    channel: NotificationChannel,
    address: { readonly phone?: string; readonly email?: string } = {},
    options?: CallOptions,
  ): Promise<ChannelSubscription> {
    const kind = ADDRESS_KINDS[channel];
    const value = kind && address[kind];
    // The address first: a call that is repeated after a failure between the two completes what is missing.
    const added = value && (await this.#tidings.users.addAddress(userId, { kind, address: value }, options));
    const preferences = await this.#tidings.preferences.update(userId, { channels: { [channel]: true } }, options);
    const verification = added ? await this.#sendCode(userId, added, options) : undefined;
    return { preferences, address: added || undefined, verification };
  }

  /** Has a code sent to an address that is not verified. */
  async #sendCode(
    userId: string,
    { address_id: addressId, verified_at: verifiedAt }: UserAddress,
    options: CallOptions | undefined,
  ): Promise<SentCode | undefined> {
    if (verifiedAt !== null) return undefined;
    try {
      return await this.#tidings.users.verifyAddress(userId, addressId, {}, options);
    } catch (error) {
      // It has a code that is younger than a minute, or too many of them.
      if (error instanceof TidingsApiError && error.code === 'rate_limited') return undefined;
      throw error;
    }
  }
}

const ADDRESS_KINDS: { readonly [channel in NotificationChannel]?: 'email' | 'phone' } = {
  [NotificationChannel.EMAIL]: 'email',
  [NotificationChannel.SMS]: 'phone',
};

function toChange(type: string, update: PreferenceUpdate): PreferenceChange {
  const { channels, isEnabled, frequency } = update;
  const quiet = toQuietHours(update);
  const cell = {
    ...(channels && { channels: [...channels] }),
    ...(isEnabled !== undefined && { enabled: isEnabled }),
    ...(frequency && { frequency }),
  };
  return { types: { [type]: cell }, ...(quiet && { quiet_hours: quiet }) };
}

function toQuietHours(update: PreferenceUpdate): NonNullable<PreferenceChange['quiet_hours']> | undefined {
  const { quietHoursEnabled: isEnabled, quietHoursStart: start, quietHoursEnd: end, timezone: zone } = update;
  if (isEnabled === false) return { enabled: false };
  if (start !== undefined && end !== undefined) return { enabled: true, start, end, ...(zone && { zone }) };
  if (isEnabled === undefined && start === undefined && end === undefined) return undefined;
  throw new TypeError('Quiet hours need quietHoursStart and quietHoursEnd.');
}
