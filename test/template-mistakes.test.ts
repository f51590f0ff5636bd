import { describe, expect, test } from 'vitest';
import { formatFirstProblem, listTemplateProblems } from './support/templates.ts';

describe('reports a mistake in a template with its place and a hint', () => {
  test.each([
    ['{{uper event.name}}', 'there is no helper `uper` (did you mean `upper`?)'],
    ['{{constructor event.name}}', 'there is no helper `constructor`'],
    ['{{evnt.name}}', 'did you mean `event.name`?'],
    ['{{amount}}', 'did you mean `event.amount`?'],
    ['{{#ech event.items}}{{/ech}}', 'did you mean `{{#each}}`?'],
    ['{{#fi event.name}}{{/fi}}', 'did you mean `{{#if}}`?'],
    ['{{notif.id}}', 'did you mean `notification.id`?'],
    ['{{date event.due zon="UTC"}}', '`date` has no option `zon` (did you mean `zone`?)'],
    ['{{money event.amount}}', 'like `{{money event.amount event.currency}}`'],
    ['{{> footer}}', 'partials'],
    ['{{* decorate}}', 'decorators'],
    ['{{#if event.name}}', '`{{#if}}` is never closed (add `{{/if}}`)'],
    ['{{#if event.name}}{{/each}}', 'the names must be the same'],
    ['{{/if}}', 'closes a block that was not opened'],
    ['{{#each}}{{/each}}', 'takes one value'],
    ['{{../event.name}}', 'goes above the top'],
    ['{{@index}}', 'stands outside'],
    ['{{@nothing}}', 'there is no `@nothing`'],
    ['{{now}}', 'there is no `now` here'],
    ['{{event.name', 'check the braces'],
    ['{{event.name)}}', 'cannot be read as a template'],
    ['{{"text" event.name}}', 'a name is needed here'],
  ])('%s', (source, sentence) => {
    expect(formatFirstProblem(source)).toContain(sentence);
  });

  test('counts lines and columns within the part', () => {
    const problems = listTemplateProblems({ subject: 'Hi {{evnt.name}}', text: 'Dear\n  {{uper event.name}}' });
    expect(problems.map(({ part, line, column }) => [part, line, column])).toEqual([
      ['subject', 1, 6],
      ['text', 2, 3],
    ]);
  });

  test('allows only the parts of the channel', () => {
    expect(listTemplateProblems({ text: 'x' })).toMatchObject([
      { part: 'subject', message: 'email needs a part `subject`' },
    ]);
    expect(listTemplateProblems({ subject: 'x' })).toMatchObject([{ message: 'email needs a part `html` or `text`' }]);
    expect(listTemplateProblems({ text: 'x', html: 'x' }, 'sms')).toMatchObject([
      { message: 'sms has no part `html`' },
    ]);
    expect(listTemplateProblems({ subject: 's', htm: 'x', text: 'x' })).toMatchObject([
      { hint: 'did you mean `html`?' },
    ]);
  });
});
