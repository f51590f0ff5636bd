import { compileCatalog } from '../../catalog/compile/compile-catalog.ts';
import { toTemplateData } from '../../ingest/template-data.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { toMessageParts } from '../../privacy/message-view.ts';
import type { Send } from '../../rules/context.ts';
import { DEFAULT_RUN_AFTER_MS } from '../../simulate/cases/parse-cases.ts';
import { compileCaseRules } from '../../simulate/cases/run-case.ts';
import { countingIds } from '../../simulate/counting-ids.ts';
import { parseEventFile } from '../../simulate/parse-event-file.ts';
import { runSimulation } from '../../simulate/run-simulation.ts';
import { type SimulationStep, Simulator } from '../../simulate/simulator.ts';
import { toStepView } from '../../simulate/step-view.ts';
import { renderMessage } from '../../templates/template.ts';

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
      steps.push({ ...toStepView(step), messages: step.sends.flatMap((send) => render(send, step)) });
    }
  }
  return { rejections, steps, has_more: false };

  function render(send: Send, { userId }: SimulationStep): object[] {
    const { notification_type } = send.decision;
    const { channels } = catalog.getNotificationType(notification_type);
    const profile = simulator.users.get(userId)?.profile ?? { traits: {} };
    const { about, ...values } = JSON.parse(toTemplateData(profile as never, send).text) as { about: object };
    const { locale } = (values as { user?: { locale?: unknown } }).user ?? {};
    return (send.rule.channels ?? channels).filter(isChannel).map((channel) => {
      const template = catalog.findTemplate(notification_type, channel, typeof locale === 'string' ? locale : '');
      if (!template) return { notification_type, channel, error: 'no template' };
      const notification = {
        id: send.decision.notification_id,
        type: notification_type,
        channel,
        user_id: userId,
        ...about,
      };
      const rendered = renderMessage(template, { ...values, notification } as unknown as JsonObject);
      return {
        notification_type,
        channel,
        locale: template.locale,
        ...('message' in rendered ? toMessageParts(rendered.message, (text) => text) : rendered),
      };
    });
  }
}

function isChannel(channel: string): channel is Channel {
  return (CHANNELS as readonly string[]).includes(channel);
}
