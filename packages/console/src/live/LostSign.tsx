import { IconAlert } from '../shell/icons.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { useLostSince } from './lost-server.ts';

/** That the server cannot be reached, and since when nothing is up to date. Loaded beside the first page, while the server is there. */
export function LostSign() {
  const since = useLostSince();
  return (
    <div role="status" data-testid="lost-sign">
      {since !== null && (
        <span className="lost-sign">
          <IconAlert size={16} />
          <span>
            <T
              text="Not updating since {time} – the server cannot be reached"
              values={{ time: <Time value={new Date(since).toISOString()} /> }}
            />
          </span>
        </span>
      )}
    </div>
  );
}
