import { describe, expect, it } from 'vitest';
import { compile, DATA, listTemplateProblems, render } from './support/templates.ts';

const json = (value: unknown) => JSON.stringify(value);

function renderFault(parts: Parameters<typeof render>[0], channel: Parameters<typeof render>[2]): string {
  try {
    render(parts, DATA, channel);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the parts of a message', () => {
  it('has every part of a push message, each rendered with the same data', () => {
    const parts = {
      title: 'Hello {{user.first_name}}',
      text: '{{event.amount}} due',
      badge: '{{event.zero}}',
      image: 'https://img.example/{{url event.name}}.png',
      actions: json([{ label: 'Pay {{event.currency}}', url: 'bank://pay?n={{url event.name}}' }]),
      data: json({ amount: '{{event.amount}}', items: '{{event.items}}', note: 'for {{event.name}}', fixed: 7 }),
    };
    expect(render(parts, DATA, 'push')).toEqual({
      title: 'Hello Maria',
      text: '1234.5 due',
      badge: 0,
      image: 'https://img.example/Ann.png',
      actions: [{ label: 'Pay EUR', url: 'bank://pay?n=Ann' }],
      data: { amount: 1234.5, items: DATA.event!['items' as never], note: 'for Ann', fixed: 7 },
    });
  });

  it('leaves out a value that is missing, and keeps null, false and zero', () => {
    const data = json({
      gone: '{{event.gone}}',
      none: '{{event.nothing}}',
      no: '{{event.no}}',
      list: ['{{event.gone}}', 1],
    });
    expect(render({ data }, DATA, 'webhook')).toEqual({ text: '', data: { none: null, no: false, list: [1] } });
  });

  it('writes a value into data as data, whatever signs it has', () => {
    const data = json({ evil: 'x {{event.evil}}', __proto__x: '{{event.evil}}' });
    const rendered = render({ data }, DATA, 'webhook');
    expect(rendered.data).toEqual({
      evil: `x ${'<script>alert("1")</script>'}`,
      __proto__x: '<script>alert("1")</script>',
    });
  });

  it('sets a member called __proto__ as any other', () => {
    const rendered = render({ data: '{"__proto__":{"admin":"{{event.name}}"}}' }, DATA, 'webhook');
    expect(JSON.stringify(rendered.data)).toBe('{"__proto__":{"admin":"Ann"}}');
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('allows a push message of data only, which shows nothing', () => {
    expect(render({ data: json({ sync: true }) }, DATA, 'push')).toEqual({ text: '', data: { sync: true } });
  });

  it('has blocks in a chat message beside the text', () => {
    const blocks = json([{ type: 'section', text: { type: 'mrkdwn', text: '*{{event.name}}*' } }]);
    expect(render({ text: 'Hi', blocks }, DATA, 'chat').blocks).toEqual([
      { type: 'section', text: { type: 'mrkdwn', text: '*Ann*' } },
    ]);
  });

  it('leaves out a badge and an image whose value is missing', () => {
    expect(render({ text: 'Hi', badge: '{{event.gone}}', image: '{{event.gone}}' }, DATA, 'push')).toEqual({
      text: 'Hi',
    });
  });

  it.each([
    [
      { text: 'Hi', badge: '-1' },
      'push',
      'The badge part of T cannot be rendered: it is not a whole number from 0 to 1000000.',
    ],
    [
      { text: 'Hi', badge: '{{event.name}}' },
      'push',
      'The badge part of T cannot be rendered: it is not a whole number from 0 to 1000000.',
    ],
    [
      { text: 'Hi', image: '{{event.trap}}' },
      'push',
      'The image part of T cannot be rendered: it is not a URL that begins with https://.',
    ],
    [
      { text: 'Hi', actions: json([{ label: 'Go', url: '{{event.trap}}' }]) },
      'in_app',
      'The actions part of T cannot be rendered: an action has no URL that a button may open.',
    ],
    [
      { text: 'Hi', actions: json([{ url: 'https://x.example' }]) },
      'push',
      'The actions part of T cannot be rendered: an action has no label.',
    ],
    [
      { text: 'Hi', data: json('{{event.name}}') },
      'push',
      'The data part of T cannot be rendered: it is not an object.',
    ],
    [{ text: 'Hi', blocks: json({}) }, 'chat', 'The blocks part of T cannot be rendered: it is not a list.'],
  ] as const)('does not send what its channel cannot take: %j', (parts, channel, fault) => {
    expect(renderFault(parts, channel)).toBe(fault);
  });

  it.each([
    [
      { text: 'x'.repeat(1601) },
      'sms',
      'The text part of T has 1601 characters, and SMS takes at most 1600 (set by Twilio and Amazon SNS).',
    ],
    [
      { text: 'x', actions: json(Array.from({ length: 4 }, () => ({ label: 'A', url: 'https://x.example' }))) },
      'push',
      'The actions part of T has 4 entries, and push takes at most 3 (set by Android).',
    ],
    [
      { data: json({ a: 'é'.repeat(2048) }) },
      'push',
      'The data part of T has 4104 bytes, and push takes at most 4096 (set by FCM and APNs).',
    ],
    [
      { text: 'x', blocks: json(Array(51).fill({})) },
      'chat',
      'The blocks part of T has 51 entries, and chat takes at most 50 (set by Slack).',
    ],
    [{ data: json({ a: 'x'.repeat(262_144) }) }, 'webhook', ''],
  ] as const)('names part, size and bound of a message that is too large: %#', (parts, channel, fault) => {
    if (fault !== '') expect(renderFault(parts, channel)).toBe(fault);
    else expect(listTemplateProblems(parts, channel)[0]?.message).toBe('this is longer than 262144 characters');
  });

  it('bounds a webhook as a whole', () => {
    const data = { ...DATA, event: { long: 'x'.repeat(200_000) } };
    const parts = { text: '{{event.long}}', data: json({ a: '{{event.long}}' }) };
    expect(() => render(parts, data, 'webhook')).toThrow(
      'The webhook message of T has 400027 bytes, and webhook takes at most 262144 (set by Tidings).',
    );
  });

  it('takes a message that is exactly as large as its bound', () => {
    expect(renderFault({ text: 'x'.repeat(1600) }, 'sms')).toBe('');
  });

  it('names the place of a problem in a structured part', () => {
    const problems = listTemplateProblems({ text: 'x', data: json({ a: ['ok', '{{evnt.name}}'] }) }, 'push');
    expect(problems).toMatchObject([
      { part: 'data', at: ['a', 1], message: expect.stringContaining('there is no `evnt` here') },
    ]);
  });

  it.each([
    [{ text: 'x', blocks: '[]' }, 'push', 'push has no part `blocks`'],
    [{ subject: 'x', text: 'x', data: '{}' }, 'email', 'email has no part `data`'],
    [{ title: 'x' }, 'push', 'push needs a part `text` or `data`'],
  ] as const)('rejects a part that the channel does not have: %j', (parts, channel, message) => {
    expect(listTemplateProblems(parts, channel).map((problem) => problem.message)).toContain(message);
  });

  it('counts the fields of structured parts among those that the template names', () => {
    const compiled = compile({ text: 'x', data: json({ a: '{{event.items.0.name}}' }) }, 'push');
    expect('template' in compiled && compiled.template.paths).toContainEqual(['event', 'items', '0', 'name']);
  });
});

describe('a template that the provider keeps', () => {
  it('gets all data, without a template of ours', () => {
    expect(render({ provider_template: 'CLIENT_WELCOME_V1' }, DATA, 'email')).toEqual({
      text: '',
      hosted: { template: 'CLIENT_WELCOME_V1', data: DATA },
    });
  });

  it('gets the data that a file of its own gives', () => {
    const parts = { provider_template: 'W1', data: json({ first_name: '{{user.first_name}}' }) };
    expect(render(parts, DATA, 'sms').hosted).toEqual({ template: 'W1', data: { first_name: 'Maria' } });
  });

  it('has no other part', () => {
    const problems = listTemplateProblems({ provider_template: 'W1', subject: 'Hi' }, 'email');
    expect(problems.map(({ message }) => message)).toEqual(['email has no part `subject`']);
  });
});
