import type { Sinks } from '../catalog/compile/compile-sinks.ts';
import { isRelayed } from '../catalog/lifecycle-events.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Decision } from '../model/decision.ts';
import type { Event, Millis } from '../model/event.ts';
import { DECISION_TYPE, type MessageSink } from '../model/sink.ts';
import { documentRow, sealDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Ids } from '../rules/facts.ts';
import type { NewMessage } from '../store/kafka/outbox.ts';
import { isoTime } from '../time/iso-time.ts';
import { getAbout, toFactText, toOriginalsText } from './webhook-facts.ts';

/** The sinks of a tenant whose topics are open, and what makes messages for them. */
export class SinkMessages {
  readonly #tenantId: string;
  readonly #seal: Seal;
  readonly #ids: Ids;
  readonly #sinks: Sinks;
  readonly #open: ReadonlySet<string>;

  constructor(
    { tenantId, seal, ids }: { readonly tenantId: string; readonly seal: Seal; readonly ids: Ids },
    sinks: Sinks,
    openTopics: readonly string[],
  ) {
    this.#tenantId = tenantId;
    this.#seal = seal;
    this.#ids = ids;
    this.#sinks = sinks;
    this.#open = new Set(openTopics);
  }

  /** Returns an ingested event for each sink that receives it; none for one of Tidings itself, which is recorded where it happens. */
  ofEvent(event: ReceivedEvent): NewMessage[] {
    const { channel, about } = getAbout(event);
    const sinks = this.#sinks
      .listOfEvent(event.type, { type: about, channel })
      .filter(({ topic }) => this.#open.has(topic));
    if (sinks.length === 0 || isRelayed(event)) return [];
    const messageId = this.#ids.fresh();
    const row = documentRow('kafka_outbox', this.#tenantId, messageId);
    const sealed = event.sealText === null ? null : sealDocument(this.#seal, toOriginalsText(event.sealText), row);
    const { userId, eventId, type, time } = event;
    const message = { messageId, kind: 'fact' as const, userId, type, eventId, at: time, sealed, traceparent: null };
    return this.#forEach(sinks, { ...message, dataText: toFactText(event) });
  }

  /** Returns decisions for the sinks that receive them. @param trigger the event that they are about; undefined: a schedule */
  ofDecisions(
    userId: string,
    decisions: readonly Decision[],
    { catalogVersion, now, trigger }: DecidedOn,
  ): NewMessage[] {
    return decisions.flatMap((decision) => {
      const sinks = this.#sinks.listOfDecision(decision).filter(({ topic }) => this.#open.has(topic));
      if (sinks.length === 0) return [];
      const { decision_id: eventId } = decision;
      const { traceparent } = trigger?.context ?? {};
      return this.#forEach(sinks, {
        messageId: this.#ids.fromText(`decision ${this.#tenantId} ${eventId}`),
        kind: 'decision',
        userId,
        type: DECISION_TYPE,
        eventId,
        at: now,
        dataText: toDecisionText(userId, decision, { catalogVersion, now, trigger }),
        sealed: null,
        traceparent: typeof traceparent === 'string' ? traceparent : null,
      });
    });
  }

  #forEach(sinks: readonly MessageSink[], message: Omit<NewMessage, 'topic' | 'key' | 'isStructured'>): NewMessage[] {
    return sinks.map((sink) => ({
      ...message,
      topic: sink.topic,
      key: toKey(sink, this.#tenantId, message.userId),
      isStructured: sink.format === 'structured',
    }));
  }
}

interface DecidedOn {
  readonly catalogVersion: number;
  readonly now: Millis;
  readonly trigger: Pick<Event, 'type' | 'eventId' | 'context'> | undefined;
}

function toKey({ key }: MessageSink, tenantId: string, userId: string): string | null {
  if (key === 'none') return null;
  return key === 'user' ? userId : `${tenantId}:${userId}`;
}

/** Returns what was decided, by ids and codes: no evidence and no sentence, which may quote what was posted. */
function toDecisionText(userId: string, decision: Decision, { catalogVersion, now, trigger }: DecidedOn): string {
  return JSON.stringify({
    decision_id: decision.decision_id,
    user_id: userId,
    rule: decision.rule,
    notification_type: decision.notification_type,
    outcome: decision.outcome,
    reason_code: decision.reason_code,
    notification_id: decision.notification_id,
    trigger: trigger ? { event_id: trigger.eventId, event_type: trigger.type } : null,
    event_ids: decision.event_ids,
    catalog_version: catalogVersion,
    decided_at: isoTime(now),
  });
}
