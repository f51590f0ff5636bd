import type { Millis } from '../model/event.ts';
import type { ReleaseState, ReleaseWatch } from '../model/release.ts';
import { type StoredRelease, toPercent } from '../store/releases/releases.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import type { ComparedSpan, Comparison, VersionNumbers } from './compare-versions.ts';
import type { WatchVerdict } from './judge.ts';

/** A release as the API shows it. */
export interface ReleaseView {
  readonly release_id: string;
  readonly from_version: number;
  readonly to_version: number;
  readonly state: ReleaseState;
  /** Percentage of the users. */
  readonly share: number;
  readonly steps: readonly { readonly at: string; readonly share: number; readonly by: string }[];
  readonly note: string | null;
  readonly watch: WatchView | null;
  readonly finish_at: string | null;
  /** When it begins, or was to begin, by itself; null: it began by command. */
  readonly starts_at: string | null;
  readonly started_at: string | null;
  readonly started_by: string;
  readonly ended_at: string | null;
  readonly ended_by: string | null;
  readonly end_reason: string | null;
}

export interface WatchView {
  readonly min_sample: number;
  readonly max_error_increase: number | null;
  readonly max_complaint_increase: number | null;
  readonly max_unsubscribe_increase: number | null;
  readonly min_volume_ratio: number | null;
  readonly max_volume_ratio: number | null;
}

export interface SpanView {
  readonly since: string;
  readonly before: VersionNumbers;
  readonly released: VersionNumbers;
}

/** Both versions of a release, and what its watch says. */
export interface ComparisonView {
  readonly as_of: string;
  readonly since_start: SpanView;
  readonly last_hour: SpanView | null;
  readonly verdicts: readonly WatchVerdict[];
}

export function toReleaseView(release: StoredRelease): ReleaseView {
  const { id, fromVersion, toVersion, state, share, steps, note, watch, finishAt, endReason } = release;
  return {
    release_id: id,
    from_version: fromVersion,
    to_version: toVersion,
    state,
    share: toPercent(share),
    steps: steps.map((step) => ({ at: isoTime(step.at), share: toPercent(step.share), by: step.by.name })),
    note,
    watch: watch && toWatchView(watch),
    finish_at: isoTimeOrNull(finishAt),
    starts_at: isoTimeOrNull(release.startsAt),
    started_at: isoTimeOrNull(release.startedAt),
    started_by: release.startedBy.name,
    ended_at: isoTimeOrNull(release.endedAt),
    ended_by: release.endedBy?.name ?? null,
    end_reason: endReason,
  };
}

function toWatchView(watch: ReleaseWatch): WatchView {
  return {
    min_sample: watch.minSample,
    max_error_increase: watch.maxErrorIncrease,
    max_complaint_increase: watch.maxComplaintIncrease,
    max_unsubscribe_increase: watch.maxUnsubscribeIncrease,
    min_volume_ratio: watch.minVolumeRatio,
    max_volume_ratio: watch.maxVolumeRatio,
  };
}

export function toComparisonView(
  { asOf, sinceStart, lastHour }: Comparison,
  verdicts: readonly WatchVerdict[],
): ComparisonView {
  return {
    as_of: isoTime(asOf),
    since_start: toSpanView(sinceStart),
    last_hour: lastHour ? toSpanView(lastHour) : null,
    verdicts,
  };
}

function toSpanView({ since, before, released }: ComparedSpan): SpanView {
  return { since: isoTime(since as Millis), before, released };
}
