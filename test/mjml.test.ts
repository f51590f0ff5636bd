import { describe, expect, test } from 'vitest';
import { compileMjml } from '../src/catalog/parse/mjml.ts';
import { MjmlThread } from '../src/catalog/parse/mjml-thread.ts';
import { render } from './support/templates.ts';

describe('mjml', () => {
  test('compiles to HTML and keeps every {{…}}', async () => {
    const source = `<mjml><mj-body><mj-section><mj-column>
      <mj-text>Hello {{default user.first_name "there"}}, {{#if event.evil}}{{event.evil}}{{/if}}</mj-text>
      <mj-button href="{{event.link}}">Pay {{money event.amount event.currency}}</mj-button>
      <mj-raw>{{#each event.items}}</mj-raw><mj-text>{{name}}</mj-text><mj-raw>{{/each}}</mj-raw>
    </mj-column></mj-section></mj-body></mjml>`;
    const compiled = await compileMjml(source);
    if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
    for (const kept of [
      '{{default user.first_name "there"}}',
      '{{event.link}}',
      '{{#each event.items}}',
      '{{/each}}',
    ]) {
      expect(compiled.html).toContain(kept);
    }
    const message = render({ subject: 's', html: compiled.html });
    expect(message.html).toMatch(/^<!doctype html>/i);
    expect(message.html).toContain('Hello Maria, &lt;script&gt;');
    expect(message.html).toContain('href="https://x.example/?a=1&amp;b=2"');
    expect(message.text).toContain('Hello Maria');
    expect(message.text).toMatch(/tea[\s\S]*cake/);
  });

  test.each([
    ['<mjml><mj-body><mj-txt>x</mj-txt></mj-body></mjml>', /mj-txt/],
    ['<mjml><mj-body>\n<mj-include path="/etc/passwd" /></mj-body></mjml>', /mj-include.* is not supported/],
    ['<mjml><mj-body>{{uper event.name}}</mj-body></mjml>', /there is no helper/],
    ['<mjml><mj-body>{{#each event.items}}<mj-section></mj-section>{{/each}}</mj-body></mjml>', /MJML drops/],
  ])('reports the mistake in %s', async (source, sentence) => {
    const compiled = await compileMjml(source);
    expect('problems' in compiled && compiled.problems[0]?.message).toMatch(sentence);
  });

  test('stops a source that would take a minute, without blocking the process or the next source', async () => {
    const styles = Array.from({ length: 3000 }, (_, i) => `.a${i} .b${i} p{color:red}`).join('');
    const body = '<mj-section><mj-column><mj-text css-class="a1">x</mj-text></mj-column></mj-section>';
    const slow = `<mjml><mj-head><mj-style inline="inline">${styles}</mj-style></mj-head><mj-body>${body.repeat(1500)}</mj-body></mjml>`;
    const thread = new MjmlThread(1500);
    let ticks = 0;
    const clock = setInterval(() => ticks++, 20);
    const [given, next] = await Promise.all([
      compileMjml(slow, { thread }),
      compileMjml(`<mjml><mj-body>${body}</mj-body></mjml>`, { thread }),
    ]);
    clearInterval(clock);
    expect(given).toEqual({ problems: [{ message: expect.stringMatching(/longer than 1.5 s/), line: 1, column: 1 }] });
    expect(next).toHaveProperty('html');
    expect(ticks).toBeGreaterThan(5);
  });

  test.each(['', 'no markup at all', '<p>HTML</p>'])('rejects a source that is not MJML: %j', async (source) => {
    expect(await compileMjml(source)).toHaveProperty('problems');
  });
});
