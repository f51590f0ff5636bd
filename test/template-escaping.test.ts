import { describe, expect, test } from 'vitest';
import { listTemplateProblems, render, renderHtml, renderText } from './support/templates.ts';

describe('a template escapes', () => {
  test('values in HTML, but not in text and subject', () => {
    expect(render({ subject: '{{event.evil}}', text: '{{event.evil}}', html: '<p>{{event.evil}}</p>' })).toEqual({
      subject: '<script>alert("1")</script>',
      text: '<script>alert("1")</script>',
      html: '<p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</p>',
    });
  });

  test('values inside attributes', () => {
    const data = { event: { x: `"><img src=x onerror='1'>\`` } };
    expect(renderHtml('<a title="{{event.x}}">x</a>', data)).not.toMatch(/["'`<>](?=img| onerror)|x'|'1|`/);
  });

  test('results of helpers', () => {
    expect(renderHtml('{{upper event.evil}}{{default event.missing "<b>"}}')).toBe(
      '&lt;SCRIPT&gt;ALERT(&quot;1&quot;)&lt;/SCRIPT&gt;&lt;b&gt;',
    );
  });

  test('everything: three braces are an error in HTML, and the same as two in text', () => {
    const [problem] = listTemplateProblems({ subject: 's', html: '<p>\n  {{{event.evil}}}</p>' });
    expect(problem).toMatchObject({ part: 'html', line: 2, column: 3, hint: 'write `{{…}}` with two braces' });
    expect(renderText('{{{event.name}}}')).toBe('Ann');
  });

  test('links: web, mail and telephone addresses stay, scripts do not', () => {
    expect(renderHtml('<a href="{{event.link}}">x</a>')).toBe('<a href="https://x.example/?a=1&amp;b=2">x</a>');
    for (const trap of [
      'javascript:alert(1)',
      ' java\nscript:alert(1)',
      'JAVASCRIPT:1',
      'data:text/html,x',
      'vbscript:x',
    ]) {
      expect(renderHtml('<a href="{{event.x}}">x</a>', { event: { x: trap } })).toBe('<a href="#">x</a>');
      expect(renderHtml("<img src = '{{event.x}}'>", { event: { x: trap } })).toBe("<img src = '#'>");
    }
    const parts = { event: { a: 'java', b: 'script:alert(1)', c: 'javascript', blank: ' \n'.repeat(400) } };
    for (const [source, written] of [
      ['<a href="{{event.a}}{{event.b}}">', '<a href="java#">'],
      ['<a href="java{{event.b}}">', '<a href="java#">'],
      ['<a href="{{event.c}}:alert(1)">', '<a href="#:alert(1)">'],
      ['<a href="{{event.blank}}{{event.a}}{{event.b}}">', '<a href="java#">'],
      [`<a href="\n${' '.repeat(30)}{{event.c}}{{event.d}}:x">`, `<a href="\n${' '.repeat(30)}#:x">`],
      ['<object data={{event.c}}:x>', '<object data=#:x>'],
      ['<a href="/x/{{event.a}}{{event.b}}">', '<a href="/x/javascript:alert(1)">'],
      ['<a href="https://x.example/?q={{event.b}}">', '<a href="https://x.example/?q=script%3Aalert%281%29">'],
      ['<a title="{{event.a}}{{event.b}}">', '<a title="javascript:alert(1)">'],
    ] as const) {
      expect(renderHtml(source, parts), source).toBe(written);
    }
    for (const link of ['/path', '#top', 'mailto:a', 'tel:1', 'HTTP://x']) {
      expect(renderHtml('<a href="{{event.x}}">x</a>', { event: { x: link } })).toBe(`<a href="${link}">x</a>`);
    }
  });
});
