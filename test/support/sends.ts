import { compileSchemas } from '../../src/catalog/schemas/validate-event.ts';
import { isRejection, parseEvent } from '../../src/events/envelope.ts';
import { compileCaseRules } from '../../src/simulate/cases/run-case.ts';
import { countingIds } from '../../src/simulate/counting-ids.ts';
import { runSimulation } from '../../src/simulate/run-simulation.ts';
import { Simulator } from '../../src/simulate/simulator.ts';
import type { Catalog } from './catalog.ts';

/** Returns the notification types that an event of a new user sends immediately. Throws if the event is rejected. */
export function listImmediateSends(catalog: Catalog, item: unknown): string[] {
  const event = parseEvent('', item, compileSchemas(catalog));
  if (isRejection(event)) throw new Error(event.message);
  const simulator = new Simulator(compileCaseRules(catalog), countingIds());
  const [first] = runSimulation(simulator, [{ at: event.time, event }], event.time);
  return (first?.happened ?? []).flatMap(({ sends }) => sends.map(({ decision }) => decision.notification_type));
}
