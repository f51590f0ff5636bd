import { TidingsError } from '../../errors.ts';
import { CHANGE_TOPICS, type ChangeTopic, TOPIC_NAMES } from '../../model/change-topic.ts';
import { ROLES, type Scope } from '../../model/principal.ts';
import type { App, HttpDependencies } from '../app.ts';
import { ChangeStreams } from '../change-streams.ts';
import { beginEventStream } from '../event-stream.ts';
import { changeStream, changesHeaders, changesQuery } from '../schemas/changes.ts';
import { findProblems } from '../tenant-problems.ts';

/** Problems are looked at once for all readers of a tenant, as every member sees them. */
const OF_MEMBERS: ReadonlySet<Scope> = new Set(ROLES.viewer);

/** The stream of changes: pages read again what has changed, and nothing else. */
export function registerStreamRoute(app: App, dependencies: HttpDependencies): void {
  const { database, streams: bounds } = dependencies;
  const describeProblems = async (tenantId: string): Promise<string> => {
    const { problems } = await findProblems(dependencies, tenantId, OF_MEMBERS);
    return JSON.stringify(problems.map(({ code, subject, since }) => [code, subject, since]));
  };
  const streams = new ChangeStreams({ database, describeProblems }, bounds);
  app.addHook('preClose', async () => streams.stop());

  app.get(
    '/api/v1/stream',
    {
      exposeHeadRoute: false,
      config: { scope: 'deliveries:read', mediaType: 'text/event-stream', errors: ['too_many_streams'] },
      schema: {
        operationId: 'streamChanges',
        summary: 'Stream in which topics something has changed, as server-sent events',
        tags: ['deliveries'],
        querystring: changesQuery,
        headers: changesHeaders,
        response: { 200: changeStream },
      },
    },
    (request, reply) => {
      const { tenantId, actor, scopes } = request.principal;
      const caller = `${actor.kind} ${actor.id}`;
      const topics = readTopics(request.query.topics, scopes);
      streams.checkRoom({ tenantId, caller });
      const needed = new Set(topics.map((topic) => CHANGE_TOPICS[topic]));
      const findRevocation = () => request.findRevocation(needed);
      const lastEventId = request.headers['last-event-id'];
      streams.open({ tenantId, caller, topics, findRevocation }, beginEventStream(reply), lastEventId || undefined);
      return reply as never;
    },
  );
}

/** @throws TidingsError `invalid_request` for an unknown topic, `forbidden` for one that the caller may not read */
function readTopics(text: string | undefined, scopes: ReadonlySet<Scope>): readonly ChangeTopic[] {
  const mayRead = (topic: ChangeTopic) => scopes.has(CHANGE_TOPICS[topic]);
  if (text === undefined) return TOPIC_NAMES.filter(mayRead);
  const names = [...new Set(text.split(','))];
  const unknown = names.find((name) => !TOPIC_NAMES.includes(name as ChangeTopic));
  if (unknown !== undefined) {
    throw new TidingsError('invalid_request', `There is no such topic; write some of ${TOPIC_NAMES.join(', ')}.`, {
      pointer: 'topics',
    });
  }
  const topics = names as ChangeTopic[];
  const closed = topics.find((topic) => !mayRead(topic));
  if (closed !== undefined)
    throw new TidingsError('forbidden', `The topic ${closed} needs the scope ${CHANGE_TOPICS[closed]}.`);
  return topics;
}
