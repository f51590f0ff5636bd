import { TidingsError } from '../../errors.ts';
import type { Principal } from '../../model/principal.ts';
import { deleteList, insertList, loadList, loadLists, MAX_LISTS, renameList } from '../../store/lists/lists.ts';
import { addMembers, loadMembers, MAX_MEMBERS, removeMembers } from '../../store/lists/members.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { importMembers } from '../member-import.ts';
import { keepNdjsonStreams, NDJSON, readNdjson, toNdjson } from '../ndjson.ts';
import { idParams, pageQuery } from '../schemas/common.ts';
import {
  changedMembers,
  listPage,
  listPatch,
  listView,
  memberIds,
  memberImportAnswer,
  memberLines,
  memberPage,
  memberQuery,
  newList,
} from '../schemas/lists.ts';

const PATH = '/api/v1/lists';
const TAGS = ['lists'];
const MAX_BODY_BYTES = 12 * 1024 * 1024;

/** Lists: named sets of users, whose members are added and removed. */
export function registerListRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  const changeOf = ({ tenantId, actor }: Principal) => ({ tenantId, actor, now: clock() });

  app.get(
    PATH,
    {
      config: { scope: 'lists:read' },
      schema: {
        operationId: 'listLists',
        summary: 'List the lists of users, by name',
        tags: TAGS,
        querystring: pageQuery,
        response: { 200: listPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const after = cursors.read(request, ['text'])?.[0] ?? null;
      const lists = await loadLists(database.forTenant(principal.tenantId), principal.tenantId, query.limit, after);
      return { lists, next: cursors.next(request, lists, query.limit, (last) => [last.name]) };
    },
  );

  app.post(
    PATH,
    {
      config: { scope: 'lists:write', errors: ['list_exists', 'too_many_lists'] },
      schema: {
        operationId: 'createList',
        summary: 'Create a list without members',
        tags: TAGS,
        body: newList,
        response: { 201: listView },
      },
    },
    async ({ principal, operationId, body }, reply) => {
      const { tenantId } = principal;
      const list = { listId: operationId, name: body.name, description: body.description ?? null };
      const created = await insertList(database.forTenant(tenantId), changeOf(principal), list);
      if (created === 'exists') throw listExists();
      if (created === 'too_many')
        throw new TidingsError('too_many_lists', `There are ${MAX_LISTS} lists; delete one that is of no more use.`);
      return reply.status(201).send(created);
    },
  );

  app.get(
    `${PATH}/:id`,
    {
      config: { scope: 'lists:read', errors: ['not_found'] },
      schema: {
        operationId: 'getList',
        summary: 'Show a list',
        tags: TAGS,
        params: idParams,
        response: { 200: listView },
      },
    },
    async ({ principal: { tenantId }, params }) => {
      const list = await loadList(database.forTenant(tenantId), tenantId, requireId(params.id));
      if (!list) throw noList();
      return list;
    },
  );

  app.patch(
    `${PATH}/:id`,
    {
      config: { scope: 'lists:write', errors: ['not_found', 'list_exists'] },
      schema: {
        operationId: 'changeList',
        summary: 'Change the name or description of a list',
        tags: TAGS,
        params: idParams,
        body: listPatch,
        response: { 200: listView },
      },
    },
    async ({ principal, params, body }) => {
      const pool = database.forTenant(principal.tenantId);
      const changed = await renameList(pool, changeOf(principal), requireId(params.id), body);
      if (changed === 'exists') throw listExists();
      if (!changed) throw noList();
      return changed;
    },
  );

  app.delete(
    `${PATH}/:id`,
    {
      config: { scope: 'lists:write', errors: ['not_found'] },
      schema: {
        operationId: 'deleteList',
        summary: 'Delete a list; its users stay. If the request breaks off, ask again',
        tags: TAGS,
        params: idParams,
        response: { 200: listView },
      },
    },
    async ({ principal, params }) => {
      const pool = database.forTenant(principal.tenantId);
      const deleted = await deleteList(pool, changeOf(principal), requireId(params.id));
      if (!deleted) throw noList();
      return deleted;
    },
  );

  app.get(
    `${PATH}/:id/members`,
    {
      config: { scope: 'lists:read', errors: ['not_found'] },
      schema: {
        operationId: 'listMembersOfList',
        summary: 'List the members of a list',
        tags: TAGS,
        params: idParams,
        querystring: memberQuery,
        response: { 200: memberPage },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const id = requireId(params.id);
      const after = cursors.read(request, ['text'])?.[0] ?? '';
      const members = await loadMembers(pool, tenantId, id, query.limit, after);
      if (members.length === 0 && !(await loadList(pool, tenantId, id))) throw noList();
      return { members, next: cursors.next(request, members, query.limit, (last) => [last.user_id]) };
    },
  );

  for (const [path, operationId, summary, change] of [
    ['members', 'addListMembers', 'Add up to 10,000 users to a list', addMembers],
    ['members/remove', 'removeListMembers', 'Remove up to 10,000 users from a list', removeMembers],
  ] as const) {
    app.post(
      `${PATH}/:id/${path}`,
      {
        bodyLimit: MAX_BODY_BYTES,
        config: {
          scope: 'lists:write',
          errors: ['not_found', ...(change === addMembers ? (['list_full'] as const) : [])],
        },
        schema: {
          operationId,
          summary,
          tags: TAGS,
          params: idParams,
          body: memberIds,
          response: { 200: changedMembers },
        },
      },
      async ({ principal, params, body }) => {
        const pool = database.forTenant(principal.tenantId);
        const changed = await change(pool, changeOf(principal), requireId(params.id), body.user_ids);
        if (changed === 'too_many')
          throw new TidingsError('list_full', `A list has at most ${MAX_MEMBERS} members; no user was added.`);
        if (!changed) throw noList();
        return changed;
      },
    );
  }
}

/** The upload of members, in a scope of its own: its body is a stream. */
export function registerMemberImportRoute(app: App, { database, clock }: HttpDependencies): void {
  void app.register(async (scoped) => {
    const own = scoped as unknown as App;
    keepNdjsonStreams(own);
    own.post(
      `${PATH}/:id/members/import`,
      {
        config: {
          scope: 'lists:write',
          mediaType: NDJSON,
          idempotent: false,
          errors: ['not_found', 'list_full', 'payload_too_large'],
        },
        schema: {
          operationId: 'importListMembers',
          summary: 'Add users to a list, as a stream of lines of JSON; those who are members already stay',
          tags: TAGS,
          params: idParams,
          consumes: [NDJSON],
          body: memberLines,
          response: { 200: memberImportAnswer },
        },
      },
      async (request, reply) => {
        const { tenantId, actor } = request.principal;
        const change = { tenantId, actor, now: clock() };
        const id = requireId(request.params.id);
        const done = await importMembers(database.forTenant(tenantId), change, id, readNdjson(request));
        if (!done) throw noList();
        return reply.type(NDJSON).send(toNdjson([...done.errors, done.summary]));
      },
    );
  });
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function requireId(id: string): string {
  if (!UUID.test(id)) throw noList();
  return id.toLowerCase();
}

function noList(): TidingsError {
  return new TidingsError('not_found', 'There is no such list.');
}

function listExists(): TidingsError {
  return new TidingsError('list_exists', 'Another list has this name.', { pointer: '/name' });
}
