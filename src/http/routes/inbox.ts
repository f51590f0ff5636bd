import type { Principal } from '../../model/principal.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Inboxes } from '../inboxes.ts';
import { requireUser } from '../require-user.ts';
import {
  inboxItem,
  inboxMark,
  inboxMarked,
  inboxPage,
  inboxParams,
  inboxQuery,
  inboxStream,
  itemChange,
  itemParams,
  markParams,
  ownItemParams,
  ownMarkParams,
  streamHeaders,
  streamQuery,
} from '../schemas/inbox.ts';

/** The inboxes of users: of one that is named in the path, and of the user of a token. */
export function registerInboxRoutes(app: App, dependencies: HttpDependencies): void {
  const inboxes = new Inboxes(dependencies);
  app.addHook('preClose', () => inboxes.stop());
  const users = '/api/v1/users/:user_id/inbox';
  const own = '/api/v1/me/inbox';
  const tags = ['inbox'];
  const read = { scope: 'personal_data:read' } as const;
  const stream = { scope: 'personal_data:read', mediaType: 'text/event-stream', errors: ['too_many_streams'] } as const;
  const write = { scope: 'users:write' } as const;
  const writeOne = { scope: 'users:write', errors: ['not_found'] } as const;
  const ofUser = ({ tenantId }: Principal, { user_id }: { user_id: string }) => ({ tenantId, userId: user_id });
  const ofToken = (principal: Principal) => ({ tenantId: principal.tenantId, userId: requireUser(principal) });

  app.get(
    users,
    {
      config: read,
      schema: {
        operationId: 'listInbox',
        summary: 'List the inbox of a user, the latest item first, with what is unread',
        tags,
        params: inboxParams,
        querystring: inboxQuery,
        response: { 200: inboxPage },
      },
    },
    (request, reply) => inboxes.list(request, reply, ofUser(request.principal, request.params), request.query),
  );
  app.get(
    `${users}/stream`,
    {
      exposeHeadRoute: false,
      config: stream,
      schema: {
        operationId: 'streamInbox',
        summary: 'Stream the changes of the inbox of a user as server-sent events',
        tags,
        params: inboxParams,
        querystring: streamQuery,
        headers: streamHeaders,
        response: { 200: inboxStream },
      },
    },
    (request, reply) =>
      inboxes.stream(request, reply, ofUser(request.principal, request.params), request.query.position),
  );
  app.post(
    `${users}/:notification_id/:action`,
    {
      config: writeOne,
      schema: {
        operationId: 'changeInboxItem',
        summary: 'Change an item of the inbox of a user: read, unread, seen, archive, unarchive, snooze or unsnooze',
        tags,
        params: itemParams,
        body: itemChange.nullish(),
        response: { 200: inboxItem },
      },
    },
    ({ principal, params, body }) => inboxes.change(ofUser(principal, params), params, body?.until),
  );
  app.post(
    `${users}/:mark`,
    {
      config: write,
      schema: {
        operationId: 'markInbox',
        summary: 'Mark all items of the inbox of a user, up to a sequence, as read or as seen',
        tags,
        params: markParams,
        body: inboxMark.nullish(),
        response: { 200: inboxMarked },
      },
    },
    ({ principal, params, body }) => inboxes.mark(ofUser(principal, params), params.mark, body?.up_to),
  );

  app.get(
    own,
    {
      config: { scope: 'me' },
      schema: {
        operationId: 'listOwnInbox',
        summary: 'List my inbox, the latest item first, with what is unread',
        tags,
        querystring: inboxQuery,
        response: { 200: inboxPage },
      },
    },
    (request, reply) => inboxes.list(request, reply, ofToken(request.principal), request.query),
  );
  app.get(
    `${own}/stream`,
    {
      exposeHeadRoute: false,
      config: { scope: 'me', mediaType: 'text/event-stream', errors: ['too_many_streams'] },
      schema: {
        operationId: 'streamOwnInbox',
        summary: 'Stream the changes of my inbox as server-sent events',
        tags,
        querystring: streamQuery,
        headers: streamHeaders,
        response: { 200: inboxStream },
      },
    },
    (request, reply) => inboxes.stream(request, reply, ofToken(request.principal), request.query.position),
  );
  app.post(
    `${own}/:notification_id/:action`,
    {
      config: { scope: 'me', errors: ['not_found'] },
      schema: {
        operationId: 'changeOwnInboxItem',
        summary: 'Change an item of my inbox: read, unread, seen, archive, unarchive, snooze or unsnooze',
        tags,
        params: ownItemParams,
        body: itemChange.nullish(),
        response: { 200: inboxItem },
      },
    },
    ({ principal, params, body }) => inboxes.change(ofToken(principal), params, body?.until),
  );
  app.post(
    `${own}/:mark`,
    {
      config: { scope: 'me' },
      schema: {
        operationId: 'markOwnInbox',
        summary: 'Mark all items of my inbox, up to a sequence, as read or as seen',
        tags,
        params: ownMarkParams,
        body: inboxMark.nullish(),
        response: { 200: inboxMarked },
      },
    },
    ({ principal, params, body }) => inboxes.mark(ofToken(principal), params.mark, body?.up_to),
  );
}
