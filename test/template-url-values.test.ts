import { describe, expect, test } from 'vitest';
import { render, renderHtml, renderText } from './support/templates.ts';

const EVENT = {
  url: 'https://x.example/p?utm_source=mail&id=7',
  q: 'rock & roll #1=best',
  name: 'Ann & "Bob"',
  evil: 'x onclick=alert(1)',
  path: '/a/b',
};
const html = (source: string) => renderHtml(source, { event: EVENT });

describe('a value is escaped for the place at which it is written', () => {
  test.each([
    ['a whole link', '<a href="{{event.url}}">', '<a href="https://x.example/p?utm_source=mail&amp;id=7">'],
    [
      'a link between single quotes',
      "<a href='{{event.url}}'>",
      "<a href='https://x.example/p?utm_source=mail&amp;id=7'>",
    ],
    [
      'a value in the query of a link',
      '<a class="b" href="https://x.example/find?q={{event.q}}&amp;n={{event.name}}">',
      '<a class="b" href="https://x.example/find?q=rock%20%26%20roll%20%231%3Dbest&amp;n=Ann%20%26%20%22Bob%22">',
    ],
    [
      'a value after a link with a query',
      '<a href="{{event.url}}&q={{event.q}}">',
      /id=7&q=rock%20%26%20roll%20%231%3Dbest">$/,
    ],
    ['a value in the fragment', '<img src="/x#{{event.q}}">', '<img src="/x#rock%20%26%20roll%20%231%3Dbest">'],
    ['a path', '<a href="https://x.example{{event.path}}">', '<a href="https://x.example/a/b">'],
    [
      'a value that the author has encoded',
      '<a href="/f?q={{url event.q}}">',
      '<a href="/f?q=rock%20%26%20roll%20%231%3Dbest">',
    ],
    [
      'text',
      '<p>{{event.url}} {{event.q}}</p>',
      '<p>https://x.example/p?utm_source=mail&amp;id=7 rock &amp; roll #1=best</p>',
    ],
    ['text after a link', '<a href="/?q=1">{{event.q}}</a>', '<a href="/?q=1">rock &amp; roll #1=best</a>'],
    ['text after a query that is not a link', '<p>?q={{event.name}}</p>', '<p>?q=Ann &amp; &quot;Bob&quot;</p>'],
    ['another attribute', '<p title="?{{event.q}}">', '<p title="?rock &amp; roll #1=best">'],
    ['an attribute without quotes', '<p title={{event.evil}}>', '<p title=x&#32;onclick&#61;alert(1)>'],
    [
      'a link without quotes',
      '<a href={{event.url}} id=x>',
      '<a href=https://x.example/p?utm_source&#61;mail&amp;id&#61;7 id=x>',
    ],
  ])('%s', (_what, source, written) => {
    if (typeof written === 'string') expect(html(source)).toBe(written);
    else expect(html(source)).toMatch(written);
  });

  test('a value in the query of a long link', () => {
    const long = 'a'.repeat(1000);
    expect(html(`<a href="https://x.example/${long}?q={{event.q}}">`)).toContain('?q=rock%20%26');
  });

  test('a value in the query of a link is encoded in the text that is made from the HTML, too', () => {
    const source =
      '<a href="/f?q={{event.q}}&n={{upper event.name}}{{#if event.x}}&x={{event.x}}{{/if}}">Find {{event.q}}</a>';
    expect(render({ subject: 's', html: source }, { event: EVENT }).text).toBe(
      'Find rock & roll #1=best (/f?q=rock%20%26%20roll%20%231%3Dbest&n=ANN%20%26%20%22BOB%22)',
    );
  });

  test('the helper `url` encodes one value of a URL in a text', () => {
    const source = 'https://x.example/f?q={{url event.q}}&n={{url event.missing}}';
    expect(renderText(source, { event: EVENT })).toBe('https://x.example/f?q=rock%20%26%20roll%20%231%3Dbest&n=');
    expect(renderText('{{url event.x}}', { event: { x: '\ud800' } })).toBe('%EF%BF%BD');
  });
});
