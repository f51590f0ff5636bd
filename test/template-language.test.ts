import { expect, test } from 'vitest';
import { renderText } from './support/templates.ts';

test.each([
  ['{{#if event.name}}yes{{else}}no{{/if}}', 'yes'],
  ['{{#if event.zero}}yes{{else}}no{{/if}}', 'no'],
  ['{{#if event.missing.deep}}yes{{else if event.name}}second{{else}}no{{/if}}', 'second'],
  ['{{#unless event.no}}shown{{else}}hidden{{/unless}}', 'shown'],
  ['{{#each event.items}}{{@index}}:{{name}} {{qty}}{{#unless @last}}, {{/unless}}{{/each}}', '0:tea 2, 1:cake 1'],
  ['{{#each event.items as |item n|}}{{n}}{{item.name}}{{../event.name}}{{/each}}', '0teaAnn1cakeAnn'],
  ['{{#each event.labels}}{{@key}}={{this}};{{/each}}', 'open=Open;closed=Closed;'],
  ['{{#each event.missing}}x{{else}}none{{/each}}', 'none'],
  ['{{#with event.labels}}{{open}}{{/with}}', 'Open'],
  ['{{#with event.missing}}x{{else}}none{{/with}}', 'none'],
  ['{{#each event.items}}{{@root.user.first_name}}{{/each}}', 'MariaMaria'],
  ['{{! a comment }}{{!-- {{another}} --}}x', 'x'],
  ['a {{~event.name~}} b', 'aAnnb'],
  ['{{event.items.0.name}} {{event.items.length}}', 'tea 2'],
  ['[{{event.missing}}{{event.nothing}}{{traits.a.b.c}}{{total}}]', '[]'],
  ['{{event.no}} {{event.zero}}', 'false 0'],
  ['{{event.labels}}|{{event.items}}', '|'],
  ['{{default event.missing "there"}} {{default event.name "there"}}', 'there Ann'],
  ['{{upper event.name}} {{lower event.name}}', 'ANN ann'],
  ['{{lookup event.labels event.status}}', 'Closed'],
  ['{{date event.due}}', '20 November 2025'],
  ['{{date event.due "d LLL HH:mm" zone="Asia/Tokyo"}}', '21 Nov 08:30'],
  ['{{date event.due "HH:mm" zone=user.time_zone}} {{date event.due "HH:mm" zone="No/Where"}}', '23:30 23:30'],
  ['{{date event.name}}{{date event.missing}}', ''],
  ['{{number event.amount}} {{number event.amount digits=0 locale="de"}}', '1,234.5 1.235'],
  ['{{money event.amount event.currency}} {{money event.amount "nonsense"}}', '€1,234.50 1,234.50'],
  ['{{#if (gt event.amount 1000)}}big{{/if}}{{#if (lt event.name 5)}}never{{/if}}', 'big'],
  ['{{#if (and event.name (not event.no))}}both{{/if}}', 'both'],
  ['{{or event.missing event.name}} {{eq event.status "closed"}} {{ne event.zero 0}}', 'Ann true false'],
  ['{{gte 2 2}} {{lte "a" "b"}}', 'true true'],
])('renders %s', (source, expected) => {
  expect(renderText(source)).toBe(expected);
});
