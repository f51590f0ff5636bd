import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { TidingsError } from '../errors.ts';
import type { Category } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import {
  changeInboxItem,
  type InboxCounts,
  type InboxItem,
  type InboxOf,
  type ItemAction,
  listInbox,
  loadInboxCounts,
  markInbox,
} from '../store/inbox/inbox.ts';
import { InboxSignals } from '../store/inbox/inbox-signals.ts';
import { isoTime } from '../time/iso-time.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import type { HttpDependencies } from './app.ts';
import { Cursors } from './cursor.ts';
import { beginEventStream } from './event-stream.ts';
import { InboxStreams } from './inbox-streams.ts';
import type { inboxCounts, inboxItem, inboxQuery } from './schemas/inbox.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The longest time in ms for which an item is snoozed. */
const MAX_SNOOZE_MS: Millis = 366 * 86_400_000;

/** The inboxes of any user, as the API shows and changes them. */
export class Inboxes {
  readonly #dependencies: HttpDependencies;
  readonly #cursors: Cursors;
  readonly #signals: InboxSignals;
  readonly #streams: InboxStreams;

  constructor(dependencies: HttpDependencies) {
    const { database, databaseUrl, seal, clock, streams } = dependencies;
    this.#dependencies = dependencies;
    this.#cursors = new Cursors(seal);
    this.#signals = new InboxSignals(database.owner);
    this.#streams = new InboxStreams({
      database,
      seal,
      clock,
      toCounts,
      openView: (of) => this.#openView(of),
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      ...(streams ? { bounds: streams } : {}),
    });
  }

  async list(request: FastifyRequest, reply: FastifyReply, of: InboxOf, query: z.infer<typeof inboxQuery>) {
    const { database, seal, clock } = this.#dependencies;
    const pool = database.forTenant(of.tenantId);
    const before = this.#cursors.read(request, ['number'])?.[0] ?? null;
    const { view, limit } = query;
    const toView = await this.#openView(of);
    // Counts and position first: a stream from that position has whatever the list does not.
    const counts = toCounts(await loadInboxCounts(pool, of, clock()), clock());
    const notificationTypes = await this.#findTypes(of, query);
    const items = await listInbox(pool, seal, of, { view, notificationTypes, before, limit, now: clock() });
    reply.header('cache-control', 'no-store');
    return {
      items: items.map(toView),
      counts,
      next: this.#cursors.next(request, items, limit, (last) => [last.sequence]),
    };
  }

  stream(request: FastifyRequest, reply: FastifyReply, of: InboxOf, position: number | undefined): never {
    this.#streams.checkRoom(of);
    const known = readPosition(request.headers['last-event-id']) ?? position ?? null;
    this.#streams.open(of, beginEventStream(reply), known, () => request.findRevocation());
    return reply as never;
  }

  async change(of: InboxOf, params: { notification_id: string; action: ItemAction }, until: string | undefined) {
    const { database, seal, clock } = this.#dependencies;
    const { notification_id: id, action } = params;
    const now = clock();
    const time = readUntil(action, until, now);
    const item = UUID.test(id)
      ? await changeInboxItem(
          database.forTenant(of.tenantId),
          seal,
          { ...of, notificationId: id.toLowerCase() },
          action,
          now,
          time,
        )
      : undefined;
    if (!item) {
      throw new TidingsError('not_found', 'The inbox has no such item, or no longer.', { pointer: 'notification_id' });
    }
    this.#signals.announce(of.tenantId, of.userId);
    return (await this.#openView(of))(item);
  }

  async mark(of: InboxOf, mark: 'read-all' | 'seen-all', upTo: number | undefined) {
    const { database, clock } = this.#dependencies;
    const pool = database.forTenant(of.tenantId);
    const what = mark === 'read-all' ? 'read' : 'seen';
    const { position: last } = await loadInboxCounts(pool, of, clock());
    const marked = await markInbox(pool, of, what, upTo ?? last, clock());
    if (marked > 0) this.#signals.announce(of.tenantId, of.userId);
    return { marked, counts: toCounts(await loadInboxCounts(pool, of, clock()), clock()) };
  }

  /** Returns how items are shown: with the categories of the active catalog. */
  async #openView({ tenantId, userId }: InboxOf): Promise<(item: InboxItem) => z.infer<typeof inboxItem>> {
    const { rules } = await this.#dependencies.catalogs.getActiveOf(tenantId, userId);
    return (item) => toView(item, rules.notifications.get(item.notificationType)?.category ?? null);
  }

  /** Returns the types that a list is of; null: of all. A type that the catalog no longer has has no category. */
  async #findTypes(
    { tenantId, userId }: InboxOf,
    query: z.infer<typeof inboxQuery>,
  ): Promise<readonly string[] | null> {
    const { notification_type: name, category } = query;
    if (category === undefined) return name === undefined ? null : [name];
    const { rules } = await this.#dependencies.catalogs.getActiveOf(tenantId, userId);
    const types = [...rules.notifications.values()].filter((type) => type.category === category);
    return types.map((type) => type.name).filter((one) => name === undefined || one === name);
  }

  async stop(): Promise<void> {
    await this.#streams.stop();
    await this.#signals.flush();
  }
}

/** A position that no inbox reaches: its reader has to list again, as it may have missed something. */
const UNKNOWN_POSITION = Number.MAX_SAFE_INTEGER;

/** Returns the position in a header, UNKNOWN_POSITION for one that no event of ours has; undefined: none. */
function readPosition(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  return /^\d{1,15}$/.test(header) ? Number(header) : UNKNOWN_POSITION;
}

/** @throws TidingsError if the time is missing, wrong or not wanted */
function readUntil(action: ItemAction, until: string | undefined, now: Millis): Millis | null {
  const wrong = (message: string) => new TidingsError('invalid_request', message, { pointer: '/until' });
  if (action !== 'snooze') {
    if (until !== undefined) throw wrong(`Only snooze takes until; leave it out for ${action}.`);
    return null;
  }
  const parsed =
    until === undefined ? { problem: 'is missing; write a time such as 2026-11-03T08:00:00Z' } : parseTimestamp(until);
  if ('problem' in parsed) throw wrong(`until ${parsed.problem}.`);
  const { time } = parsed;
  if (time <= now || time > now + MAX_SNOOZE_MS)
    throw wrong('until is not in the next 366 days; write a time that is.');
  return time;
}

/** Returns the numbers of an inbox as the API shows them. The time is relative, as clocks of devices are often wrong. */
function toCounts({ unread, unseen, position, nextAt }: InboxCounts, now: Millis): z.infer<typeof inboxCounts> {
  return { unread, unseen, position, stale_in: nextAt === null ? null : Math.max(1, Math.ceil((nextAt - now) / 1000)) };
}

function toView(item: InboxItem, category: Category | null): z.infer<typeof inboxItem> {
  const { message } = item;
  const { title, subject, text, html, image, actions, data, inbox } = message ?? { text: '' };
  return {
    notification_id: item.notificationId,
    notification_type: item.notificationType,
    category,
    sequence: item.sequence,
    change: item.change,
    created_at: isoTime(item.createdAt),
    seen_at: toTime(item.seenAt),
    read_at: toTime(item.readAt),
    archived_at: toTime(item.archivedAt),
    snoozed_until: toTime(item.snoozedUntil),
    expires_at: toTime(item.expiresAt),
    group: inbox?.group ?? null,
    severity: inbox?.severity ?? 'info',
    icon: inbox?.icon ?? null,
    url: inbox?.url ?? null,
    message:
      message === null
        ? null
        : {
            text,
            ...(title === undefined ? {} : { title }),
            ...(subject === undefined ? {} : { subject }),
            ...(html === undefined ? {} : { html }),
            ...(image === undefined ? {} : { image }),
            ...(actions === undefined ? {} : { actions }),
            ...(data === undefined ? {} : { data }),
          },
  };
}

function toTime(time: Millis | null): string | null {
  return time === null ? null : isoTime(time);
}
