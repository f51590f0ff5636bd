import { Text } from '@mantine/core';
import { t } from '../text/text.ts';
import { LazyPlace, lazyPart } from './lazy-part.tsx';
import { getZoneName } from './time-format.ts';
import { VIEWER_ZONE } from './zone.ts';

/** Loaded where there is a choice. */
const ZoneControl = lazyPart(() => import('./ZoneControl.tsx'), 'ZoneControl');

/** Switch between the zone of the viewer and UTC for all displayed times. Reasons from the server are always in UTC. */
export function ZoneSwitch() {
  const own = getZoneName(new Date(), VIEWER_ZONE);
  if (own === 'UTC') {
    return (
      <Text size="xs" c="dimmed" className="nowrap" data-testid="zone">
        {t('Times in UTC')}
      </Text>
    );
  }
  return (
    <LazyPlace inBar>
      <ZoneControl own={own} />
    </LazyPlace>
  );
}
