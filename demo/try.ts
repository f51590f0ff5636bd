import { beginState, toPlaces } from './places.ts';
import { seed } from './seed.ts';
const places = toPlaces('/tmp/demo-try');
const weeks = Number(process.argv[2] ?? 4);
const state = beginState(places, { seed: 7, weeks });
const t = performance.now();
let last = 0;
await seed({ places, state, port: 8123, until: Date.now(), onProgress: (part, day) => { if (part - last > 0.1) { last = part; console.log(((performance.now() - t) / 1000).toFixed(1), part.toFixed(2), new Date(day).toISOString(), (process.cpuUsage().user/1e6).toFixed(1)); } } });
console.log('done', ((performance.now() - t) / 1000).toFixed(1));
