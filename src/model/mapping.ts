/** The places of a part of an event in another envelope: paths, of which the first that has a value counts. At least one. */
export interface Source {
  readonly from: readonly string[];
}

/** The places of properties or traits: an object as a whole, or each by its name. */
export type ObjectSource = Source | { readonly fields: { readonly [name: string]: Source } };

/** The translation by which a CloudEvent or domain event becomes an event of Tidings. A part that is absent has its default source. */
export interface EventMapping {
  readonly user_id?: Source;
  readonly event_id?: Source;
  readonly time?: Source;
  readonly properties?: ObjectSource;
  readonly traits?: ObjectSource;
}

/** Names of the parts of a mapping, in the order in which they are documented. */
export const MAPPING_PARTS = ['user_id', 'event_id', 'time', 'properties', 'traits'] as const;
