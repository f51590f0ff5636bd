import type { Millis } from './event.ts';

/** Kinds of products of a lender; GENERIC is every other one. */
export const PRODUCT_KINDS = ['LOAN', 'CREDIT', 'GENERIC'] as const;
export type ProductKind = (typeof PRODUCT_KINDS)[number];

export const CONNECTOR_KINDS = ['customer-import', 'card-registration'] as const;
export type ConnectorKind = (typeof CONNECTOR_KINDS)[number];

/** A value of an answer: a CEL expression in which `event` is the answer, or paths of which the first that has a value counts. */
export type AnswerValue = { readonly cel: string } | { readonly from: readonly string[] };

/** Proof by which a service knows Tidings: by a token that the shared key signs (HS256), or by the shared key itself. */
export interface ConnectorAuth {
  readonly scheme: 'jwt' | 'key';
  readonly header: string;
  /** Before the token or key, such as `Bearer `. */
  readonly prefix: string;
  readonly issuer: string;
  /** Absent: the token names none. */
  readonly audience?: string;
  readonly lifetime: Millis;
}

/** When a call that failed is made again: after `first`, then twice as long each time, up to `longest`. */
export interface ConnectorRetry {
  /** Attempts in all; after the last one it is a dead letter. */
  readonly attempts: number;
  readonly first: Millis;
  readonly longest: Millis;
}

interface ConnectorBase {
  readonly name: string;
  readonly description?: string;
  /** The service, without a path. */
  readonly url: string;
  /** Path in which `{user_id}` and `{product_id}` are replaced. */
  readonly path: string;
  /** Time for one call. */
  readonly timeout: Millis;
  readonly retry: ConnectorRetry;
  readonly auth: ConnectorAuth;
}

/** Lists of an answer, with a value of each item by name. */
export interface AnswerList<Field extends string> {
  readonly list: AnswerValue;
  readonly fields: { readonly [field in Field]?: AnswerValue };
}

/** Fetches a user from upstream when an event says that it is time. */
export interface CustomerImport extends ConnectorBase {
  readonly kind: 'customer-import';
  /** The event type that asks for it. */
  readonly on: string;
  /** A CEL condition over `event` and `traits`; absent: each event of the type. */
  readonly when?: string;
  readonly traits: { readonly [trait: string]: AnswerValue };
  readonly products?: AnswerList<'id' | 'product' | 'status'>;
  readonly toggles?: AnswerList<'type' | 'enabled' | 'channel'>;
  /** Card registrations that follow, for products of theirs. */
  readonly registers: readonly string[];
}

/** A look-up of one value by another. */
export interface CardLookup {
  readonly url: string;
  /** Path in which `{product_id}` or `{reference}` is replaced. */
  readonly path: string;
}

/** The padding by which card numbers are encrypted. */
export const CARD_PADDINGS = ['oaep-sha1', 'oaep-sha256', 'pkcs1-v1.5'] as const;
export type CardPadding = (typeof CARD_PADDINGS)[number];

/** Later calls that name the subscriber. */
export const CARD_CALLS = ['get_card_list', 'set_card_policy'] as const;
export type CardCall = (typeof CARD_CALLS)[number];

/** All hops to the card network, which Tidings makes itself. */
export interface CardNetwork {
  /** The card reference of a product. */
  readonly accounts: CardLookup & {
    /** Path of the reference in the answer. */
    readonly reference: string;
    /** Time for which a reference is remembered; absent: it is not. */
    readonly cache?: Millis;
  };
  /** The service that has the numbers and calls the network; absent: Tidings does both. */
  readonly gateway?: CardLookup;
  /** The card number of a reference. */
  readonly numbers?: CardLookup & {
    /** Name of the member of the answer that is the number. */
    readonly field: string;
  };
  readonly padding: CardPadding;
  readonly language: string;
}

/** Registers products of users with a card network. */
export interface CardRegistration extends ConnectorBase {
  readonly kind: 'card-registration';
  /** `upstream`: the card API makes all hops after the first; `network`: Tidings does. */
  readonly mode: 'upstream' | 'network';
  readonly products: readonly ProductKind[];
  readonly network?: CardNetwork;
  /** Paths of later calls; absent: those of the card API. */
  readonly calls: { readonly [call in CardCall]: string };
  /** Member of the body of later calls that is the subscriber. */
  readonly subscriberField: string;
}

/** A connection to another service, as parsed from `connectors.yaml`. Keys and passwords are no part of it. */
export type Connector = CustomerImport | CardRegistration;

/** Names of the secrets that a connector may have. */
export const CONNECTOR_SECRETS = [
  'shared_key',
  'certificate',
  'app_token',
  'fi_token',
  'user_name',
  'password',
] as const;
export type ConnectorSecret = (typeof CONNECTOR_SECRETS)[number];

/** Settings of connectors that the environment gives. */
export interface ConnectorSettings {
  /** Servers on private networks that connectors of catalogs may call: URLs without a path. */
  readonly servers: readonly string[];
  /** The tenant of the installation, whose connectors the secrets are for. */
  readonly tenantId: string;
  /** Secrets by their variables. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** States of a task of a connector. */
export const TASK_STATES = ['open', 'done', 'dead'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** Registrations of a product with the card network: done; its card is in a bad state; or no answer that counts came. */
export const CARD_REGISTRATIONS = ['registered', 'unusable', 'failed'] as const;
export type CardRegistrationState = (typeof CARD_REGISTRATIONS)[number];

/** Events by which connectors say what they did. Tidings alone posts them. */
export const CUSTOMER_IMPORTED = 'customer.imported';
export const CUSTOMER_IMPORT_FAILED = 'customer.import_failed';
export const CARD_REGISTERED = 'card.registered';
export const CARD_REGISTRATION_FAILED = 'card.registration_failed';
