import type { Channel } from '../delivery.ts';

/** Parts that a template of Tidings may have. */
export type PartName =
  | 'subject'
  | 'preheader'
  | 'title'
  | 'text'
  | 'html'
  | 'data'
  | 'badge'
  | 'image'
  | 'actions'
  | 'blocks'
  | 'inbox'
  | 'attachments';

/** A bound of a part or of a whole message. A message beyond it is not sent. */
export interface SizeLimit {
  readonly max: number;
  readonly unit: 'characters' | 'bytes' | 'entries';
  /** The service that sets it. */
  readonly source: string;
}

/** All that is known of a channel with any provider. */
export interface ChannelDescriptor {
  readonly name: Channel;
  /** Name within a sentence. */
  readonly label: string;
  /** Phrase for the way of a message: `by email`. */
  readonly phrase: string;
  /** Kind of the address of the user that it needs. Absent: it needs none, or a device or an endpoint. */
  readonly addressKind?: 'email' | 'phone';
  /** Parts of a message: all of `needs`, and at least one of `oneOf`. */
  readonly parts: { readonly [how in 'needs' | 'oneOf' | 'may']: readonly PartName[] };
  /** Bounds of its parts beside those of every template. Absent: there are no others. */
  readonly limits: { readonly [part in PartName]?: SizeLimit };
  /** Bound of all parts as JSON. Absent: that of the provider, which rejects a larger message. */
  readonly whole?: SizeLimit;
  /** Template of a type that has no template, by part. Absent: each type needs a template. */
  readonly fallback?: { readonly [part in PartName]?: string };
  /** Things of the user or tenant that each get a message of their own. Absent: the channel has an address, or none. */
  readonly targets?: 'devices' | 'endpoints';
  /** The provider that needs no configuration, used where none is chosen. Absent: a substitute. */
  readonly ownProvider?: string;
  /** Whether its messages go to operators or systems: the terms of the user do not apply. */
  readonly isForOthers?: boolean;
  /** Whether its messages make no noise: quiet hours do not hold them. */
  readonly isSilent?: boolean;
  /** Whether its receivers are servers, which may be away for days: attempts go on for longer, at longer intervals. */
  readonly retriesForDays?: boolean;
  /** Whether a message that was delivered can still come back. Absent: its parts can fail one by one. */
  readonly canBounceLater?: boolean;
  /** Whether providers charge for each segment of a text. */
  readonly isChargedBySegment?: boolean;
  /** Whether its messages have a header with which their reader unsubscribes by one click. */
  readonly hasUnsubscribeHeader?: boolean;
  /** Whether some provider of it keeps templates, which a type can name instead of its own. */
  readonly hasHostedTemplates?: boolean;
  /** Whether a message that is handed over has arrived: no receipt says so. */
  readonly arrivesAtOnce?: boolean;
  /** Whether messages to one target wait for no others of their tenant; see the function `delivery_lane` of the database. */
  readonly hasTargetLanes?: boolean;
}
