import type { Channel } from './delivery.ts';

/** Name by which routes call the account of the installation for a channel. No account of a tenant can have it. */
export const INSTALLATION_ACCOUNT = 'installation';

/** Pattern of the names of accounts. */
export const ACCOUNT_NAME: RegExp = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** An account that messages of a channel may go by. */
export interface RouteEntry {
  /** Name of an account of the tenant, or INSTALLATION_ACCOUNT. */
  readonly account: string;
  /** From 1. A later tier is used while no account of an earlier one can be. */
  readonly tier: number;
  /** Share of the messages of its tier, in relation to the other weights there. */
  readonly weight: number;
  /** A CEL condition over `message`; absent: for every message that no condition of the tier holds for. */
  readonly when?: string;
}

/** The accounts of a channel, as parsed from `routes.yaml`. */
export interface Route {
  readonly channel: Channel;
  readonly entries: readonly RouteEntry[];
}

/** Price that a provider charges for a message, or for each part of it, as parsed from `routes.yaml`. */
export interface Price {
  /** Name of the provider. */
  readonly provider: string;
  readonly channel: Channel;
  /** Calling code without `+`; numbers go by the longest that they begin with. Absent: any number, or no number. */
  readonly callingCode?: string;
  /** First day in UTC, `YYYY-MM-DD`. */
  readonly from: string;
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}
