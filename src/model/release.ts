import type { Millis } from './event.ts';
import type { Actor } from './principal.ts';

/** Shares of users are counted in parts of 10,000, so that 0.01% is the least. */
export const SHARE_PARTS = 10_000;

/** The release that is under way, as each transaction reads it. */
export interface ReleaseUnderWay {
  /** Also the salt of the hash that finds its users. */
  readonly id: string;
  /** The version that is released. */
  readonly version: number;
  /** Users of SHARE_PARTS that it decides about. */
  readonly share: number;
}

/** The versions that decide about the users of a tenant. */
export interface ActiveVersion {
  /** Decides about all users, or about those that a release leaves out; 0: no catalog was applied. */
  readonly version: number;
  /** Null: none is under way. */
  readonly release: ReleaseUnderWay | null;
}

/** `failed`: it was to begin by itself, and could not. */
export const RELEASE_STATES = ['scheduled', 'watching', 'finished', 'rolled_back', 'cancelled', 'failed'] as const;
export type ReleaseState = (typeof RELEASE_STATES)[number];

/** Names under which Tidings itself acts on releases: by what it watches, and at their times. */
export const RELEASE_ACTORS = { watch: 'release watch', schedule: 'release schedule' } as const;

/** A share that a release had from a time on. */
export interface ReleaseStep {
  readonly at: Millis;
  /** Users of SHARE_PARTS. */
  readonly share: number;
  readonly by: Actor;
}

/** When a release is rolled back by itself. Null: that number is not judged. */
export interface ReleaseWatch {
  /** Events, or messages, of each version before its numbers are judged. */
  readonly minSample: number;
  /** Bound of the increase of a rate, as a share of 1. */
  readonly maxErrorIncrease: number | null;
  readonly maxComplaintIncrease: number | null;
  readonly maxUnsubscribeIncrease: number | null;
  /** Bounds of the notifications for each event, as a multiple of those of the version before. */
  readonly minVolumeRatio: number | null;
  readonly maxVolumeRatio: number | null;
}

/** Numbers that a watch judges. */
export const WATCHED_NUMBERS = ['volume', 'errors', 'complaints', 'unsubscribes'] as const;
export type WatchedNumber = (typeof WATCHED_NUMBERS)[number];
