import type { MessageSource } from '../../model/source.ts';
import { parseText } from './fields.ts';
import type { Entry, YamlFile } from './yaml.ts';

/** Topics that sources read, and those that their dead letters go to; each with the name of the source. */
export interface SourceTopics {
  readonly read: ReadonlyMap<string, string>;
  readonly deadLetters: ReadonlyMap<string, string>;
}

export function listSourceTopics(sources: readonly MessageSource[]): SourceTopics {
  return {
    read: new Map(sources.map(({ topic, name }) => [topic, name] as const)),
    deadLetters: new Map(
      sources.flatMap(({ deadLetterTopic, name }) => (deadLetterTopic === undefined ? [] : [[deadLetterTopic, name]])),
    ),
  };
}

/** Reports a text that is not the name of a topic. Returns whether it is one. */
export function checkTopicName(file: YamlFile, at: number, text: string): boolean {
  if (/^[A-Za-z0-9._-]{1,249}$/.test(text) && !/^\.{1,2}$/.test(text)) return true;
  const hint = '1 to 249 letters, digits, . _ and -';
  file.report(at, `${JSON.stringify(text.slice(0, 60))} is not the name of a topic`, hint);
  return false;
}

/** Parses the name of a topic, of an entry that must be there. */
export function parseTopic(file: YamlFile, { key: name, at, value }: Entry, entry: Entry | undefined, example: string) {
  if (!entry) {
    if (value.kind === 'map') file.report(at, `${name} has no "topic"`, example);
    return undefined;
  }
  const text = parseText(file, entry.value, '"topic"', example);
  return text && checkTopicName(file, text.at, text.text) ? text : undefined;
}
