import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitKey } from '../../src/lib/client-address.ts';

const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const network = fc.tuple(fc.constant('2001'), group, group, group);
const host = fc.tuple(group, group, group, group);

describe('limitKey', () => {
  it('is one for a whole IPv6 /64', () => {
    fc.assert(
      fc.property(network, host, host, (net, one, other) => {
        const key = limitKey([...net, ...one].join(':'));
        expect(limitKey([...net, ...other].join(':'))).toBe(key);
        expect(key).toMatch(/^2001:.*\/64$/);
      }),
    );
  });

  it('is another one for another /64', () => {
    fc.assert(
      fc.property(network, network, host, (one, other, rest) => {
        fc.pre(one.join() !== other.join());
        expect(limitKey([...one, ...rest].join(':'))).not.toBe(limitKey([...other, ...rest].join(':')));
      }),
    );
  });

  it('is the address itself for IPv4, also where it is written in IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(limitKey(address)).toBe(address);
        expect(limitKey(`::ffff:${address}`)).toBe(address);
        expect(limitKey(`64:ff9b::${address}`)).toBe(address);
      }),
    );
    expect(limitKey('::ffff:c000:0201')).toBe('192.0.2.1');
    expect(limitKey('0:0:0:0:0:FFFF:192.0.2.1')).toBe('192.0.2.1');
  });

  it.each([
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:DB8::ffff', '2001:db8::/64'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::/64'],
    ['2001:db8:0:0:1:2:3:4', '2001:db8::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['127.0.0.1', '127.0.0.1'],
  ])('of %s is %s', (address, key) => {
    expect(limitKey(address)).toBe(key);
  });

  it.each([
    '',
    'unknown',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '1.2.3.4.5',
    '256.1.1.1',
    '192.0.2.1:80',
    '[::1]',
    '::1/64',
    ' 192.0.2.1',
    '192.0.2.1\n',
    ':::',
    'example.com',
  ])('of %j, no plain address, is the one that all such texts share', (text) => {
    expect(limitKey(text)).toBe('unreadable');
  });
});
