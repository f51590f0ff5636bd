import type { DeliverySummary } from '@tidings/client/types';
import { getDeliveryLook, type Look } from '../shell/outcome.ts';

/** Colors of looks, the most pressing first. */
const URGENCY = ['red', 'orange', 'grape', 'ink', 'blue', 'gray', 'teal'];

/**
 * Returns one look for the deliveries of a notification: the label of each kind once, with the color and the icon of the
 * most pressing one. Green only if every delivery reached its channel. Undefined: there are no deliveries.
 */
export function summarizeDeliveries(deliveries: readonly DeliverySummary[]): Look | undefined {
  const looks = [...new Set(deliveries.map(getDeliveryLook))].sort(
    (a, b) => URGENCY.indexOf(a.color) - URGENCY.indexOf(b.color),
  );
  const [first] = looks;
  return first && { ...first, label: [...new Set(looks.map(({ label }) => label))].join(', ') };
}
