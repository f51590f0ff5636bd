import type { CatalogData } from '../../model/catalog.ts';
import type { Decision } from '../../model/decision.ts';
import type { MessageSink } from '../../model/sink.ts';
import { hearsType } from '../../model/webhook.ts';

/** The sinks of a catalog, of which facts and decisions are written to some. */
export interface Sinks {
  readonly all: readonly MessageSink[];
  /** Returns the sinks of an ingested event. @param about the notification that it is about; null: none */
  listOfEvent(
    type: string,
    about: { readonly type: string | null; readonly channel: string | null },
  ): readonly MessageSink[];
  /** Returns the sinks of a decision. */
  listOfDecision(decision: Decision): readonly MessageSink[];
}

/** Compiles the sinks of a catalog; undefined: it has no sinks. */
export function compileSinks({ sinks = [] }: CatalogData): Sinks | undefined {
  if (sinks.length === 0) return undefined;
  return {
    all: sinks,
    listOfEvent: (type, about) =>
      sinks.filter(
        ({ eventTypes, notificationTypes, channels }) =>
          hearsType(eventTypes, type) &&
          (about.type === null || !notificationTypes || notificationTypes.includes(about.type)) &&
          (about.channel === null || !channels || (channels as readonly string[]).includes(about.channel)),
      ),
    listOfDecision: ({ outcome, notification_type: type }) =>
      sinks.filter(
        ({ decisions, notificationTypes }) =>
          (decisions === 'all' || (decisions === 'sent' && outcome === 'send')) &&
          (!notificationTypes || notificationTypes.includes(type)),
      ),
  };
}
