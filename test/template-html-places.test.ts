import { describe, expect, test } from 'vitest';
import { renderHtml } from './support/templates.ts';

const SCRIPT = 'javascript:alert(1)';
const html = (source: string, x: string = SCRIPT, more = {}) => renderHtml(source, { event: { x, ...more } });

describe('a scheme that is not safe becomes #, whatever the tag has before it', () => {
  test.each([
    '<a title="Price < 10" href="{{event.x}}">',
    '<img alt="I <3 you" src="{{event.x}}">',
    '<a title="a > b" href="{{event.x}}">',
    `<a title='"' href="{{event.x}}">`,
    `<a title="it's < 5" data-n='<a title="' href='{{event.x}}'>`,
    '<a title=a<b href={{event.x}}>',
    '<a/title="<"/href="{{event.x}}">',
    '<p>1 < 2</p><a href="{{event.x}}">',
    '<!-- "<a title=" --><a href="{{event.x}}">',
    '<!--[if mso]><a href="{{event.x}}"><![endif]-->',
    `<!--[if mso]><a title="it's<![endif]--><a href="{{event.x}}">`,
    '<style>a > b { content: "<a title=\'" }</style><a href="{{event.x}}">',
    '<script>if (a < b) f("<a title=\'")</script><a href="{{event.x}}">',
    '<title>a "<b title="</title><a href="{{event.x}}">',
    '<textarea><a title="</textarea><a href="{{event.x}}">',
    `<a title="${'long '.repeat(1000)}" href="{{event.x}}">`,
    '<img srcset="{{event.x}} 2x">',
    '<img srcset="/a.png 1x, {{event.x}} 2x">',
    '<a ping="/a {{event.x}}">',
    '<use xlink:href="{{event.x}}">',
    '<animate attributeName="href" to="{{event.x}}">',
    '<p style="background: url({{event.x}})">',
    `<p style="background: url('{{event.x}}')">`,
    '<style>p { background: url("{{event.x}}") }</style>',
    '<meta http-equiv="refresh" content="0; url={{event.x}}">',
    `<iframe srcdoc="<a href='{{event.x}}'>">`,
  ])('%s', (source) => {
    expect(html(source)).toBe(source.replace('{{event.x}}', '#'));
  });

  test.each([
    ['entities in the template', '<a href="java&#115;{{event.x}}">', 'cript:alert(1)'],
    ['a line break as an entity', '<a href="java&#x0A;{{event.x}}">', 'script:alert(1)'],
    ['a tab by its name', '<a href="java&Tab;{{event.x}}">', 'script:alert(1)'],
    ['an entity that data completes', '<a href="java&#{{event.x}}">', '115;cript:alert(1)'],
    ['control characters', '<a href="{{event.x}}">', '\u0001java\u0000\tscript\n:alert(1)'],
    ['many blanks', '<a href="{{event.x}}">', `${' '.repeat(5000)}${SCRIPT}`],
  ])('with %s', (_what, source, x) => {
    expect(html(source, x)).not.toMatch(/script:|cript:/);
  });
});

describe('a value ends nothing that the template has opened', () => {
  test.each([
    ['a document in an attribute', '<iframe srcdoc="{{event.x}}">', '<b>', '<iframe srcdoc="&amp;lt;b&amp;gt;">'],
    ['the name of an attribute', '<a {{event.x}}>', 'onclick=alert(1)', '<a onclickalert1>'],
    ['the name of a tag', '<h{{event.x}}>', '1 onclick="a"', '<h1onclicka>'],
    ['a color', '<p style="color: {{event.x}}">', '#fa0', '<p style="color: #fa0">'],
    ['a color by its function', '<p style="color: {{event.x}}">', 'rgb(1, 2, 3)', '<p style="color: rgb(1, 2, 3)">'],
    [
      'a declaration',
      '<p style="color: {{event.x}}">',
      'red;x:url(//y)',
      '<p style="color: red\\3b x\\3a url\\28 \\2f \\2f y\\29 ">',
    ],
    [
      'a link in a style',
      '<p style="background: url({{event.x}})">',
      '/a b.png',
      '<p style="background: url(/a%20b.png)">',
    ],
    ['the link of a style', '<p style="x: url({{event.x}})">', '/a);b:c', '<p style="x: url(/a%29%3Bb:c)">'],
    ['a style sheet', '<style>{{event.x}}</style>', '</style>', '<style>\\3c \\2f style\\3e </style>'],
    [
      'a script',
      '<script>f("{{event.x}}")</script>',
      '");</script>',
      /^<script>f\("(?:\\u[\da-f]{4}|script)+"\)<\/script>$/,
    ],
    ['a handler', `<a onclick="f('{{event.x}}')">`, "');", `<a onclick="f('\\u0027\\u0029\\u003b')">`],
    ['a comment', '<!-- {{event.x}} -->', '--><b>', '<!-- --&gt;&lt;b&gt; -->'],
  ] as const)('%s', (_what, source, x, written) => {
    if (typeof written === 'string') expect(html(source, x)).toBe(written);
    else expect(html(source, x)).toMatch(written);
  });
});

test('a link stays as it was posted, also in a list and after a comparison in another attribute', () => {
  const link = 'https://x.example/a,b.png';
  for (const source of [
    '<a title="1 < 2" href="{{event.x}}">',
    '<img srcset="{{event.x}} 2x, /b.png 1x">',
    '<p style="background: url({{event.x}})">',
    '<p>a < b, 1<2 {{event.x}}</p>',
    '<!--[if mso]><a href="{{event.x}}"><![endif]-->',
  ]) {
    expect(html(source, link)).toBe(source.replace('{{event.x}}', link));
  }
  expect(html('<a title="1 < 2" href="/?q={{event.x}}">', 'a&b')).toBe('<a title="1 < 2" href="/?q=a%26b">');
  expect(html('<img srcset="/a?w={{event.x}} 2x">', '1&2')).toBe('<img srcset="/a?w=1%262 2x">');
});

test('HTML takes time in proportion to its length, whatever it is made of', () => {
  for (const part of [
    '<',
    '<a ',
    '<!--',
    '<!-->',
    '>',
    '<!--[if a]>',
    '"',
    '<a href="',
    '<script>',
    '</',
    '&#',
    '=',
    '-',
  ]) {
    const source = `<a title="<!--"><script></script>${part.repeat(200_000 / part.length)}{{event.x}}`;
    expect(html(source)?.length, part).toBeGreaterThan(200_000);
  }
}, 20_000);
