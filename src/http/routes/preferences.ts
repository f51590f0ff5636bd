import type { App, HttpDependencies } from '../app.ts';
import { Preferences } from '../preferences.ts';
import { requireUser } from '../require-user.ts';
import {
  pauseChange,
  preferenceChange,
  preferenceOverview,
  preferences,
  preferencesParams,
  userPause,
} from '../schemas/preferences.ts';

/** The preferences of users: of one that is named in the path, and of the user of a token. */
export function registerPreferenceRoutes(app: App, parts: HttpDependencies): void {
  const service = new Preferences(parts);
  const users = '/api/v1/users/:user_id/preferences';
  const own = '/api/v1/me/preferences';
  const tags = ['preferences'];
  const response = { 200: preferences };

  app.get(
    '/api/v1/preferences',
    {
      config: { scope: 'preferences:read' },
      schema: {
        operationId: 'getPreferenceOverview',
        summary: 'Show what goes to users who have said nothing, what they may change, and how many did',
        tags,
        response: { 200: preferenceOverview },
      },
    },
    ({ principal }) => service.describe(principal.tenantId),
  );
  app.get(
    users,
    {
      config: { scope: 'preferences:read', errors: ['not_found'] },
      schema: {
        operationId: 'getPreferences',
        summary: 'Show what goes to a user, and what decides that',
        tags,
        params: preferencesParams,
        response,
      },
    },
    ({ principal, params }) => service.read(principal.tenantId, params.user_id),
  );
  for (const method of ['PUT', 'PATCH'] as const) {
    const replaces = method === 'PUT';
    app.route({
      method,
      url: users,
      config: { scope: 'preferences:write', errors: ['not_found', 'preference_locked', 'channels_not_used'] },
      schema: {
        operationId: replaces ? 'replacePreferences' : 'changePreferences',
        summary: replaces
          ? 'Replace the preferences of a user: what the body does not name is as if they had never chosen'
          : 'Change preferences of a user; the others stay',
        tags,
        params: preferencesParams,
        body: preferenceChange,
        response,
      },
      handler: ({ principal, params, body }) => service.change(principal, params.user_id, body, replaces),
    });
    app.route({
      method,
      url: own,
      config: { scope: 'me', errors: ['not_found', 'preference_locked', 'channels_not_used'] },
      schema: {
        operationId: replaces ? 'replaceOwnPreferences' : 'changeOwnPreferences',
        summary: replaces
          ? 'Replace my preferences: what the body does not name is as if I had never chosen'
          : 'Change my preferences; the others stay',
        tags,
        body: preferenceChange,
        response,
      },
      handler: ({ principal, body }) => service.change(principal, requireUser(principal), body, replaces),
    });
  }
  app.put(
    '/api/v1/users/:user_id/pause',
    {
      config: { scope: 'preferences:write', errors: ['not_found'] },
      schema: {
        operationId: 'pauseUser',
        summary: 'Hold the messages to a user until a time; those that may not wait still go',
        tags,
        params: preferencesParams,
        body: pauseChange,
        response: { 200: userPause },
      },
    },
    ({ principal, params, body }) => service.pause(principal, params.user_id, body),
  );
  app.delete(
    '/api/v1/users/:user_id/pause',
    {
      config: { scope: 'preferences:write', errors: ['not_found'] },
      schema: {
        operationId: 'resumeUser',
        summary: 'End the pause of the messages to a user: what was held is decided again at once',
        tags,
        params: preferencesParams,
        response: { 200: userPause },
      },
    },
    ({ principal, params }) => service.resume(principal, params.user_id),
  );
  app.get(
    own,
    {
      config: { scope: 'me', errors: ['not_found'] },
      schema: {
        operationId: 'getOwnPreferences',
        summary: 'Show what goes to me, and what decides that',
        tags,
        response,
      },
    },
    ({ principal }) => service.read(principal.tenantId, requireUser(principal), true),
  );
}
