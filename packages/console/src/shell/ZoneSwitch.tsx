import { SegmentedControl, Text } from '@mantine/core';
import { t } from '../text/text.ts';
import { getZoneName } from './time-format.ts';
import { setZone, useZone, VIEWER_ZONE } from './zone.ts';

/** Switch between the zone of the viewer and UTC for all displayed times. Reasons from the server are always in UTC. */
export function ZoneSwitch() {
  const zone = useZone();
  const own = getZoneName(new Date(), VIEWER_ZONE);
  if (own === 'UTC') {
    return (
      <Text size="xs" c="dimmed" className="nowrap" data-testid="zone">
        {t('Times in UTC')}
      </Text>
    );
  }
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('Display time zone')}
      title={t('Times are shown in {zone}. Reasons are always in UTC.', { zone })}
      className="zone"
      data-testid="zone"
      value={zone}
      onChange={setZone}
      data={[
        { value: VIEWER_ZONE, label: own },
        { value: 'UTC', label: 'UTC' },
      ]}
    />
  );
}
