import type { RouteEntryState } from '@tidings/client/types';
import { Time } from '../shell/Time.tsx';

/** The latest step by which messages were moved away from an account, or back. */
export function MoveText({ move }: { move: NonNullable<RouteEntryState['move']> }) {
  return (
    <span data-testid="last-move">
      {move.share === 100 ? 'Has all of its messages again since ' : `Keeps ${move.share}% of its messages since `}
      <Time value={move.moved_at} as="full" />. Moved away first on <Time value={move.since} as="full" />: {move.cause}.
    </span>
  );
}
