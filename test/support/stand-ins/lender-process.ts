import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Lender } from './lender.ts';

/**
 * A lender in a process of its own, so that no other one has a card number: prints its URL, then for the path of each file that it
 * reads from its input whether the file holds the number of a card. The arguments are the id of a customer and of their product.
 */
const [customer = '', product = ''] = process.argv.slice(2);
const lender = await Lender.start();
lender.addCustomer(customer, {
  email: 'dana@example.com',
  products: [{ product_uuid: product, type: 'credit', status: 'approved' }],
});
console.log(lender.url);
for await (const path of createInterface({ input: process.stdin })) {
  console.log(String(lender.knowsNumberIn(readFileSync(path))), lender.decrypted.filter(Boolean).length);
}
await lender.stop();
