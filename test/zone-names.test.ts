import { describe, expect, test } from 'vitest';
import { canonicalZone, resolveTimeExpression, resolveZone } from '../src/time/calendar.ts';

describe('a time zone has one meaning on every version of Node.js', () => {
  test.each([
    ['+05:30', 'UTC+05:30'],
    ['+0530', 'UTC+05:30'],
    ['+5', 'UTC+05:00'],
    ['05:30', 'UTC+05:30'],
    ['-03:00', 'UTC-03:00'],
    ['\u221203:00', 'UTC-03:00'],
    ['GMT+3', 'UTC+03:00'],
    ['gmt+03:00', 'UTC+03:00'],
    ['UTC+5:45', 'UTC+05:45'],
    ['UTC+05:30', 'UTC+05:30'],
    ['+00:00', 'UTC'],
    ['Z', 'UTC'],
    ['GMT', 'UTC'],
    ['gmt0', 'UTC'],
    ['Etc/UTC', 'UTC'],
    ['EST', 'UTC-05:00'],
    ['est', 'UTC-05:00'],
    ['EST5EDT', 'America/New_York'],
    ['europe/lisbon', 'Europe/Lisbon'],
    ['EUROPE/LISBON', 'Europe/Lisbon'],
    ['japan', 'Asia/Tokyo'],
    ['US/Pacific', 'America/Los_Angeles'],
    ['Etc/GMT+3', 'Etc/GMT+3'],
  ])('%s is %s', (name, zone) => {
    expect(canonicalZone(name)).toBe(zone);
    expect(canonicalZone(zone)).toBe(zone);
    expect(resolveZone('user', { time_zone: name })).toBe(name);
  });

  test.each([
    'PST',
    'IST',
    'BST',
    'CST',
    'SystemV/PST8',
    'Mars/X',
    '+15:00',
    '-12:15',
    '+05:07',
    '+99',
    'local',
    '',
    ' ',
  ])('%s is unknown, and UTC is used', (name) => {
    expect(resolveZone('user', { time_zone: name })).toBe('UTC');
    expect(canonicalZone(name)).toBe('UTC');
  });

  test('09:00 of a user at +05:30 is 03:30 UTC', () => {
    const at = { text: '09:00', offset: 0, timeOfDay: 540 };
    const from = Date.parse('2025-10-24T12:00Z');
    expect(new Date(resolveTimeExpression(at, '+05:30', from)).toISOString()).toBe('2025-10-25T03:30:00.000Z');
  });
});
