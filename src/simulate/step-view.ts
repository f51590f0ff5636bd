import { maskDocument } from '../privacy/mask.ts';
import { maskItems } from '../store/waits/wait-content.ts';
import type { SimulationStep } from './simulator.ts';

/** Returns a step of a simulation as plain JSON, with times in ISO 8601 and addresses masked. */
export function toStepView({ at, userId, cause, decisions, sends }: SimulationStep) {
  return {
    at: new Date(at).toISOString(),
    user_id: userId,
    cause: toCauseView(cause),
    decisions,
    sends: sends.map(({ decision, data, items, total }) => ({
      notification_id: decision.notification_id,
      notification_type: decision.notification_type,
      ...(data && { data: maskDocument(data) }),
      ...(items && { items: maskItems(items), total }),
    })),
  };
}

function toCauseView(cause: SimulationStep['cause']) {
  switch (cause.kind) {
    case 'event':
      return { kind: cause.kind, event_id: cause.event.eventId, event_type: cause.event.type };
    case 'wait':
      return { kind: cause.kind, wait_id: cause.wait.waitId, rule: cause.wait.rule };
    default:
      return { kind: cause.kind, rule: cause.rule, occurrence: cause.localTimeKey };
  }
}
