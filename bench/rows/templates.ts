import { compileCatalog } from '../../src/catalog/compile/compile-catalog.ts';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import type { JsonObject } from '../../src/model/event.ts';
import { renderMessage } from '../../src/templates/template.ts';
import { toTemplateValues } from '../../src/templates/values.ts';
import type { Row } from '../row.ts';

const MESSAGES = 200;
/** Messages that are rendered first, while the code is compiled. */
const WARM_UP = 20;
const ITEMS = 100;

const FILES = new Map([
  ['events.yaml', 'events: { ordered: {} }'],
  ['rules.yaml', 'rules: { ORDER: { on: ordered, variables: event } }'],
  [
    'notifications.yaml',
    'layout: main\nnotifications: { ORDER: { category: SYSTEM, channels: [email], variables: { order: { type: string, required: true } } } }',
  ],
  [
    'templates/_layouts/main.html',
    `<body><img src="{{asset "logo.png"}}" alt="Acme">{{> body}}{{> footer}}${'<p>More text of the letter.</p>'.repeat(1000)}</body>`,
  ],
  [
    'templates/_partials/footer.html',
    '<p>{{app_name}} <a href="{{frontend_url}}/me?u={{user.id}}">Preferences</a></p>',
  ],
  [
    'templates/_partials/row.html',
    '<tr><td>{{name}}</td><td>{{money price "EUR"}}</td><td>{{date at "d LLLL yyyy"}}</td><td>{{plural count one="item" other="items"}}</td></tr>',
  ],
  ['templates/ORDER/email.en.subject.txt', 'Order {{order}}'],
  ['templates/ORDER/email.en.preheader.txt', 'Your order {{order}}'],
  ['templates/ORDER/email.en.html', '<table>{{#each event.items}}{{> row}}{{/each}}</table>'],
]);

/** An email of 40 KB with a layout, partials, variables and a list of 100 items: the time of its slowest in a hundred. */
export const templatesRow: Row = {
  id: 'templates',
  name: `Rendering an email with a layout and ${ITEMS} items, p99`,
  unit: 'ms',
  against: 'nothing: the time itself',
  direction: 'lower',
  atLeast: 20,
  goal: 10,
  async measure() {
    const catalog = compileCatalog(1, 0, await validateCatalogFiles(FILES));
    const template = catalog.findTemplate('ORDER', 'email', 'en');
    if (!template) throw new Error('the template is missing');
    const tenant = {
      name: 'Acme',
      settings: { asset_base_url: 'https://static.example', variables: { frontend_url: 'https://acme.example' } },
    };
    const items = Array.from({ length: ITEMS }, (_, index) => ({
      ...{ name: `Item <${index}>`, price: index * 1.5, count: index, at: '2025-11-20T10:00:00Z' },
    }));
    const data: JsonObject = { event: { items }, user: { id: 'u' }, variables: { order: 'A-17' } };
    const times: number[] = [];
    for (let message = 0; message < WARM_UP + MESSAGES; message += 1) {
      const start = performance.now();
      const filled = toTemplateValues(data, template.variables, tenant);
      if ('problem' in filled) throw new Error(filled.problem);
      const rendered = renderMessage(template, filled.values);
      if ('error' in rendered) throw new Error(rendered.error);
      if (message >= WARM_UP) times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
    return { value: at(0.99), limit: 1, also: { median: at(0.5) } };
  },
};
