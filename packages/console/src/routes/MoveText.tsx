import type { RouteEntryState } from '@tidings/client/types';
import { Cause } from '../shell/Cause.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';

/** The latest step by which messages were moved away from an account, or back. */
export function MoveText({ move }: { move: NonNullable<RouteEntryState['move']> }) {
  return (
    <span data-testid="last-move">
      <T
        text={
          move.share === 100
            ? 'Has all of its messages again since {moved}. Moved away first on {since}: {cause}.'
            : 'Keeps {share}% of its messages since {moved}. Moved away first on {since}: {cause}.'
        }
        values={{
          share: move.share,
          moved: <Time value={move.moved_at} as="full" />,
          since: <Time value={move.since} as="full" />,
          cause: <Cause words={move.cause} />,
        }}
      />
    </span>
  );
}
