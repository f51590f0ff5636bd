import { Text } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { t } from '../text/text.ts';
import { getZoneName } from './time-format.ts';
import { VIEWER_ZONE } from './zone.ts';

/** Loaded where there is a choice. */
const ZoneControl = lazy(async () => ({ default: (await import('./ZoneControl.tsx')).ZoneControl }));

/** Switch between the zone of the viewer and UTC for all displayed times. Reasons from the server are always in UTC. */
export function ZoneSwitch() {
  const own = getZoneName(new Date(), VIEWER_ZONE);
  if (own === 'UTC' || isUtcAllYear()) {
    return (
      <Text size="xs" c="dimmed" className="nowrap" data-testid="zone">
        {t('Times in UTC')}
      </Text>
    );
  }
  return (
    <Suspense fallback={null}>
      <ZoneControl own={own} />
    </Suspense>
  );
}

/** Whether the clock of the viewer shows UTC in winter and in summer: a choice would show the same twice. */
function isUtcAllYear(): boolean {
  const year = new Date().getFullYear();
  return [0, 6].every((month) => new Date(year, month, 1).getTimezoneOffset() === 0);
}
