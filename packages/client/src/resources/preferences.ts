import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type {
  NewPause,
  PreferenceChange,
  PreferenceOverview,
  Preferences as PreferencesView,
  UserPause,
} from '../types.ts';

/** Preferences of users, with the decisions of the tenant. */
export class Preferences extends Resource {
  /** Returns what goes to users who have said nothing, what they may change, and how many did. */
  overview(options?: CallOptions): Promise<PreferenceOverview> {
    return this.request('get', '/api/v1/preferences', {}, options);
  }

  /** Returns what goes to a user, with what decides that. */
  get(userId: string, options?: CallOptions): Promise<PreferencesView> {
    return this.request('get', '/api/v1/users/{user_id}/preferences', { path: { user_id: userId } }, options);
  }

  /** Changes preferences of a user; the others stay. */
  update(userId: string, change: PreferenceChange, options?: CallOptions): Promise<PreferencesView> {
    const call = { path: { user_id: userId }, body: change };
    return this.request('patch', '/api/v1/users/{user_id}/preferences', call, options);
  }

  /** Replaces the preferences of a user: what is not named is as if they had never chosen. */
  replace(userId: string, preferences: PreferenceChange, options?: CallOptions): Promise<PreferencesView> {
    const call = { path: { user_id: userId }, body: preferences };
    return this.request('put', '/api/v1/users/{user_id}/preferences', call, options);
  }

  /** Holds the messages to a user until a time; an earlier pause is replaced. */
  pause(userId: string, pause: NewPause, options?: CallOptions): Promise<UserPause> {
    return this.request('put', '/api/v1/users/{user_id}/pause', { path: { user_id: userId }, body: pause }, options);
  }

  /** Ends the pause of the messages to a user. */
  resume(userId: string, options?: CallOptions): Promise<UserPause> {
    return this.request('delete', '/api/v1/users/{user_id}/pause', { path: { user_id: userId } }, options);
  }
}
