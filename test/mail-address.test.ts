import { describe, expect, test } from 'vitest';
import { parseMailbox, toMailAddress } from '../src/lib/text/mailbox.ts';

describe('a mail address', () => {
  test.each([
    ['maria@example.com', 'maria@example.com'],
    ["o'neil+tag_1%x=y@mail.example.co.uk", "o'neil+tag_1%x=y@mail.example.co.uk"],
    ['root@localhost', 'root@localhost'],
    ['maria@bücher.example', 'maria@xn--bcher-kva.example'],
    ['мария@почта.рф', 'мария@xn--80a1acny.xn--p1ai'],
    ['a@b@example.com', undefined],
    ['maria', undefined],
    ['@example.com', undefined],
    ['maria@', undefined],
    ['maria@example..com', undefined],
    ['maria@.example.com', undefined],
    ['maria@example.com.', undefined],
    ['maria@exam ple.com', undefined],
    ['ma ria@example.com', undefined],
    ['maria@example.com\r\nDATA', undefined],
    ['ma\nria@example.com', undefined],
    ['<maria@example.com>', undefined],
    ['maria@example.com,eva@example.com', undefined],
    ['ma\u200bria@example.com', undefined],
    ['maria@[127.0.0.1]', undefined],
    ['maria@é%2e@x.com', undefined],
  ])('parses %j', (text, expected) => {
    expect(toMailAddress(text)).toBe(expected);
  });

  test.each([
    ['Tidings <tidings@example.com>', { name: 'Tidings', address: 'tidings@example.com' }],
    ['tidings@example.com', { name: '', address: 'tidings@example.com' }],
    ['"Müller, Bank" <bank@bücher.example>', { name: 'Müller, Bank', address: 'bank@xn--bcher-kva.example' }],
    ['a@example.com, b@example.com', undefined],
    ['Tidings', undefined],
    ['', undefined],
    ['Tidings <tidings@example.com\r\n>', undefined],
    ['Tidings\n<tidings@example.com>', undefined],
    [' Tidings <tidings@example.com>\n', { name: 'Tidings', address: 'tidings@example.com' }],
    [`${'T'.repeat(320)} <tidings@example.com>`, undefined],
  ])('parses the mailbox %j', (text, expected) => {
    expect(parseMailbox(text)).toEqual(expected);
  });
});
