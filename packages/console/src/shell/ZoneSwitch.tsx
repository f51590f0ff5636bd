import { LazyPlace, lazyPart } from './lazy-part.tsx';
import { getZoneName } from './time-format.ts';
import { UtcOnly } from './UtcOnly.tsx';
import { VIEWER_ZONE } from './zone.ts';

/** Loaded where there is a choice. */
const ZoneControl = lazyPart(() => import('./ZoneControl.tsx'), 'ZoneControl');

/** Switch between the zone of the viewer and UTC for all displayed times. Reasons from the server are always in UTC. */
export function ZoneSwitch() {
  const own = getZoneName(new Date(), VIEWER_ZONE);
  if (own === 'UTC') {
    return <UtcOnly />;
  }
  return (
    <LazyPlace inBar>
      <ZoneControl own={own} />
    </LazyPlace>
  );
}
