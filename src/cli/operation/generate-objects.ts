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
  /** The first of the rejected lines. */
  readonly problems: { readonly line: number; readonly code: string; readonly message: string }[];
}

/** Rejected lines that are shown. */
const MAX_PROBLEMS = 20;

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
          if (counts.rejected > 0) process.exitCode = 1;
          return { data: counts, lines: toLines(counts) };
        }),
      );
  }
}

function toLines({ created, known, rejected, problems }: Counts): string[] {
  const more = rejected - problems.length;
  return [
    `${created} new, ${known} there already, ${rejected} rejected`,
    ...problems.map(({ line, code, message }) => `line ${line}: ${code}: ${message}`),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}

/** Posts the lines in pages. One that cannot be read ends it before its page is posted; what was posted before it is said. */
async function postLines(api: ApiClient, generator: Generator, file: string): Promise<Counts> {
  const counts: Counts = { created: 0, known: 0, rejected: 0, problems: [] };
  let page: { readonly line: number; readonly event: JsonObject }[] = [];
  const post = async () => {
    if (page.length === 0) return;
    const posted = await postEvents(
      api,
      page.map(({ event }) => event),
    );
    counts.created += posted.accepted;
    counts.known += posted.duplicates;
    counts.rejected += posted.rejected.length;
    const room = MAX_PROBLEMS - counts.problems.length;
    for (const { index, code, message } of posted.rejected.slice(0, room)) {
      counts.problems.push({ line: page[index]?.line ?? 0, code, message });
    }
    page = [];
  };
  let number = 0;
  for await (const line of readLines(file)) {
    number++;
    if (line.trim() === '') continue;
    page.push({ line: number, event: readEvent(generator, line, `${file}:${number}`, counts) });
    if (page.length === PAGE_LINES) await post();
  }
  await post();
  return counts;
}

/** Returns the event of a line. @throws ConfigError with the place of the line, and what of the file was posted */
function readEvent(generator: Generator, line: string, place: string, counts: Counts): JsonObject {
  try {
    return toEvent(generator, line, place);
  } catch (error) {
    const { created, known, rejected } = counts;
    if (!(error instanceof ConfigError) || created + known + rejected === 0) throw error;
    const posted = `before it, ${created} were new, ${known} there already, ${rejected} rejected`;
    throw new ConfigError(`${error.message}; ${posted}: correct the line and run this again`);
  }
}

/** Results of posted events. */
interface Posted {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly index: number; readonly code: string; readonly message: string }[];
}

/** Posts events, of which some may be rejected: the others are stored. */
async function postEvents(api: ApiClient, events: readonly JsonObject[]): Promise<Posted> {
  const isPosted = (body: unknown): body is Posted =>
    Array.isArray((body as { readonly rejected?: unknown } | null)?.rejected);
  const body = await api.post('/api/v1/events', events).catch((error: unknown) => {
    if (error instanceof ApiError && isPosted(error.problem)) return error.problem;
    throw error;
  });
  if (!isPosted(body)) throw new Error('the answer does not say what became of the events');
  return body;
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
