import { compileCatalog } from '../../catalog/compile/compile-catalog.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { DEFAULT_RUN_AFTER_MS } from '../../simulate/cases/parse-cases.ts';
import { compileCaseRules } from '../../simulate/cases/run-case.ts';
import { countingIds } from '../../simulate/counting-ids.ts';
import { parseEventFile } from '../../simulate/parse-event-file.ts';
import { runSimulation } from '../../simulate/run-simulation.ts';
import { Simulator } from '../../simulate/simulator.ts';
import { toStepView } from '../../simulate/step-view.ts';
import { renderSends } from '../catalog/render-sends.ts';

/** Most steps that a preview shows: a scheduled rule has one for each occurrence. */
const MAX_STEPS = 100;

/** Decides events in a virtual clock, up to 30 days after the last one, and renders the messages. Sends and stores nothing. */
export function previewEvents(data: CatalogData, items: readonly object[]): object {
  const catalog = compileCatalog(1, 0, data);
  const { events, rejections } = parseEventFile(JSON.stringify(items), catalog);
  const simulator = new Simulator(compileCaseRules(data), countingIds());
  const arrivals = events.map((event) => ({ at: event.time, event })).sort((a, b) => a.at - b.at);
  const steps: object[] = [];
  const until = (arrivals.at(-1)?.at ?? 0) + DEFAULT_RUN_AFTER_MS;
  for (const { happened } of runSimulation(simulator, arrivals, until)) {
    for (const step of happened) {
      if (steps.length >= MAX_STEPS) return { rejections, steps, has_more: true };
      steps.push({ ...toStepView(step), messages: renderSends(catalog, simulator, step) });
    }
  }
  return { rejections, steps, has_more: false };
}
