import { SegmentedControl } from '@mantine/core';
import { t } from '../text/text.ts';
import { setZone, useZone, VIEWER_ZONE } from './zone.ts';

/** Choice between the zone of the viewer and UTC. `own`: name of that zone. */
export function ZoneControl({ own }: { own: string }) {
  const zone = useZone();
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
