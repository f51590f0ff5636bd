import { SegmentedControl, Text } from '@mantine/core';
import { zoneName } from './time-format.ts';
import { OWN_ZONE, setZone, useZone } from './zone.ts';

/** Says which zone all times are in, and changes it. The sentences that the server wrote are in UTC. */
export function ZoneSwitch() {
  const zone = useZone();
  const own = zoneName(new Date(), OWN_ZONE);
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
        { value: OWN_ZONE, label: own },
        { value: 'UTC', label: 'UTC' },
      ]}
    />
  );
}
