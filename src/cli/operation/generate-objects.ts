import type { Command } from 'commander';
import { ConfigError } from '../../errors.ts';
import type { JsonObject } from '../../model/event.ts';
import { readLines } from '../read-lines.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import { type ApiClient, ApiError } from './api-client.ts';

/** A command that makes events of the lines of a file. */
interface Generator {
  readonly name: string;
  readonly description: string;
  readonly eventType: string;
  /** The field that tells one line from another; with the type it is the id of the event. */
  readonly id: string;
  readonly example: string;
}

const GENERATORS: readonly Generator[] = [
  {
    name: 'generate_payment_reminder_objects',
    description: 'Plan the reminders of payments that will be due, from a file with a payment in each line',
    eventType: 'payment_due',
    id: 'payment_id',
    example:
      '{"user_id": "…", "at": "2026-11-01T00:00:00Z", "payment_id": "p-1", "product": "LOAN", "amount": 240, "due_on": "2026-11-20", "autopay": false}',
  },
  {
    name: 'generate_card_high_purchase_objects',
    description: 'Alert customers of high purchases, from a file with a purchase in each line',
    eventType: 'card_purchase',
    id: 'purchase_id',
    example:
      '{"user_id": "…", "at": "2026-11-02T09:31:00Z", "purchase_id": "c-77", "amount": 912.4, "currency": "USD"}',
  },
];

/** Lines that one request has. */
const PAGE_LINES = 200;

interface Counts {
  created: number;
  known: number;
  rejected: number;
}

/** Adds the commands `generate_payment_reminder_objects` and `generate_card_high_purchase_objects`. */
export function addGenerateObjectsCommands(program: Command): void {
  for (const generator of GENERATORS) {
    program
      .command(generator.name)
      .description(`${generator.description}; run twice, nothing is made twice (TIDINGS_URL)`)
      .argument('<file>', 'JSON lines; - is standard input')
      .option(...JSON_OPTION)
      .addHelpText(
        'after',
        `\nA line:\n  ${generator.example}\nIts time is "at"; the rules of the catalog decide what follows.`,
      )
      .action((file: string, { json }: { json?: boolean }) =>
        runApiCommand(json, async (api) => {
          const counts = await postLines(api, generator, file);
          const lines = [`${counts.created} new, ${counts.known} there already, ${counts.rejected} rejected`];
          if (counts.rejected > 0) process.exitCode = 1;
          return { data: counts, lines };
        }),
      );
  }
}

async function postLines(api: ApiClient, generator: Generator, file: string): Promise<Counts> {
  const counts: Counts = { created: 0, known: 0, rejected: 0 };
  let page: JsonObject[] = [];
  const post = async () => {
    if (page.length === 0) return;
    for (const { status } of await postEvents(api, page)) {
      counts[status === 'accepted' ? 'created' : status === 'duplicate' ? 'known' : 'rejected']++;
    }
    page = [];
  };
  let number = 0;
  for await (const line of readLines(file)) {
    number++;
    if (line.trim() === '') continue;
    page.push(toEvent(generator, line, `${file}:${number}`));
    if (page.length === PAGE_LINES) await post();
  }
  await post();
  return counts;
}

/** Posts events, of which some may be rejected: the others are stored. Returns a result for each. */
async function postEvents(
  api: ApiClient,
  events: readonly JsonObject[],
): Promise<readonly { readonly status: string }[]> {
  const isResults = (body: unknown): body is { readonly results: readonly { readonly status: string }[] } =>
    Array.isArray((body as { readonly results?: unknown } | null)?.results);
  const body = await api.post('/api/v1/events', events).catch((error: unknown) => {
    if (error instanceof ApiError && isResults(error.problem)) return error.problem;
    throw error;
  });
  return isResults(body) ? body.results : [];
}

/** Returns the event of a line: the same whenever it is made. @throws ConfigError with the place of the line */
function toEvent({ eventType, id, example }: Generator, line: string, place: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new ConfigError(`${place} is not JSON; write a line such as ${example}`);
  }
  const { user_id: userId, at, ...properties } = (parsed ?? {}) as { readonly [field: string]: unknown };
  if (typeof userId !== 'string' || typeof at !== 'string' || typeof properties[id] !== 'string') {
    throw new ConfigError(`${place} needs "user_id", "at" and "${id}", each a text; as in ${example}`);
  }
  return {
    event_id: `${eventType} ${properties[id]}`,
    user_id: userId,
    event_type: eventType,
    event_timestamp: at,
    properties: properties as JsonObject,
  };
}
