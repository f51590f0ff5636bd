import { SegmentedControl } from '@mantine/core';
import { t } from '../text/text.ts';
import { UtcOnly } from './UtcOnly.tsx';
import { setZone, useZone, VIEWER_ZONE } from './zone.ts';

/** Choice between the zone of the viewer and UTC. `own`: name of that zone. */
export function ZoneControl({ own }: { own: string }) {
  const zone = useZone();
  // A zone that is UTC for now, as that of Lisbon in winter, has the name of its place: its name would say the same.
  const isUtcNow = new Date().getTimezoneOffset() === 0;
  const label = isUtcNow ? (VIEWER_ZONE.split('/').at(-1) ?? own).replaceAll('_', ' ') : own;
  if (isUtcAllYear()) return <UtcOnly />;
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
        { value: VIEWER_ZONE, label },
        { value: 'UTC', label: 'UTC' },
      ]}
    />
  );
}

/** Whether the clock of the viewer shows UTC in winter and in summer: a choice would show the same twice. */
function isUtcAllYear(): boolean {
  const year = new Date().getFullYear();
  return [0, 6].every((month) => new Date(year, month, 1).getTimezoneOffset() === 0);
}
