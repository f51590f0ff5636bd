import type {
  ConsentPage,
  DeviceList,
  Erasure,
  Forecast,
  NewConsent,
  NewPause,
  PreferenceChange,
  Preferences,
  RecordedConsent,
  UserAddresses,
  UserMerge,
  UserPage,
  UserPause,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import { postForFile } from './post-for-file.ts';

/** Returns up to 10 users whose ID starts with `prefix`. */
export const findUsers = (prefix: string): Promise<UserPage> =>
  callApi(`users?prefix=${encodeURIComponent(prefix)}&limit=10`);

/** Returns what goes to a user, and what decides that. */
export const getPreferences = (userId: string): Promise<Preferences> =>
  callApi(`users/${encodeURIComponent(userId)}/preferences`);

/** Returns a page of 50 consents of a user, the one that was recorded last first. `after`: as for `getAudit`. */
export const getConsents = (userId: string, after: string | null): Promise<ConsentPage> =>
  callApi(`users/${encodeURIComponent(userId)}/consents?${buildQuery({ limit: '50', after })}`);

/** Returns what a user will get in the next days if nothing else happens. `days`: 1 to 31. */
export const getForecast = (userId: string, days: number): Promise<Forecast> =>
  callApi(`users/${encodeURIComponent(userId)}/forecast?days=${days}`);

/** Returns the devices of a user, with those that are retired. */
export const getDevices = (userId: string): Promise<DeviceList> =>
  callApi(`users/${encodeURIComponent(userId)}/devices?retired=true`);

/** Returns the addresses of a user, masked. */
export const getAddresses = (userId: string): Promise<UserAddresses> =>
  callApi(`users/${encodeURIComponent(userId)}/addresses`);

/** Merges a user into another. It cannot be undone. */
export const mergeUser = (userId: string, into: string): Promise<UserMerge> =>
  callApi(`users/${encodeURIComponent(userId)}/merge`, 'POST', { into });

/** Erases everything about a user. It cannot be undone. */
export const eraseUser = (userId: string, reason: string): Promise<Erasure> =>
  callApi(`users/${encodeURIComponent(userId)}/erase`, 'POST', reason === '' ? {} : { reason });

/** Returns how far an erasure has come. */
export const getErasure = (id: string): Promise<Erasure> => callApi(`erasures/${encodeURIComponent(id)}`);

/** Returns everything about a user, unmasked, as a tar archive. */
export const exportUser = (userId: string, reason: string): Promise<Blob> =>
  postForFile(`users/${encodeURIComponent(userId)}/export`, { reason });

/** Holds the messages to a user until a time (ISO 8601). */
export const pauseUser = (userId: string, pause: NewPause): Promise<UserPause> =>
  callApi(`users/${encodeURIComponent(userId)}/pause`, 'PUT', pause);

export const resumeUser = (userId: string): Promise<UserPause> =>
  callApi(`users/${encodeURIComponent(userId)}/pause`, 'DELETE');

/** Changes what a user said; what is absent stays. Throws a Problem `preference_locked` for what a user may not turn off. */
export const changePreferences = (userId: string, change: PreferenceChange): Promise<Preferences> =>
  callApi(`users/${encodeURIComponent(userId)}/preferences`, 'PATCH', change);

/** Records that a user gave or withdrew consent. `key`: a repeated call with the same key records nothing twice. */
export const recordConsent = (userId: string, consent: NewConsent, key: string): Promise<RecordedConsent> =>
  callApi(`users/${encodeURIComponent(userId)}/consents`, 'POST', consent, undefined, { 'idempotency-key': key });
