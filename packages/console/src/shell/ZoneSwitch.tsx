import { SegmentedControl, Text } from '@mantine/core';
import { getZoneName } from './time-format.ts';
import { setZone, useZone, VIEWER_ZONE } from './zone.ts';

/** Says which zone all times are in, and changes it. The sentences that the server wrote are in UTC. */
export function ZoneSwitch() {
  const zone = useZone();
  const own = getZoneName(new Date(), VIEWER_ZONE);
  if (own === 'UTC') {
    return (
      <Text size="xs" c="dimmed" className="nowrap" data-testid="zone">
        Times in UTC
      </Text>
    );
  }
  return (
    <SegmentedControl
      size="xs"
      aria-label="Zone of all times"
      title={`Times in ${zone}; UTC is what the reasons are written in`}
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
