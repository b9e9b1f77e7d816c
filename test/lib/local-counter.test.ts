import { describe, expect, it } from 'vitest';
import { LocalCounter } from '../../src/lib/local-counter.ts';

describe('a local counter', () => {
  it('counts each key by itself, and anew in the next window', () => {
    const counter = new LocalCounter({ windowMs: 1000, maxKeys: 10 });
    expect(counter.countUp('a', 0)).toEqual({ count: 1, resetMs: 1000 });
    expect(counter.countUp('a', 400)).toEqual({ count: 2, resetMs: 600 });
    expect(counter.countUp('b', 400)).toEqual({ count: 1, resetMs: 1000 });
    expect(counter.countUp('a', 1000)).toEqual({ count: 1, resetMs: 1000 });
  });

  it('holds no more keys than it may, and forgets those first whose window ends first', () => {
    const counter = new LocalCounter({ windowMs: 1000, maxKeys: 2 });
    counter.countUp('a', 0);
    counter.countUp('b', 10);
    counter.countUp('a', 1000);
    counter.countUp('c', 1001);
    expect(counter.countUp('a', 1002).count).toBe(2);
    expect(counter.countUp('b', 1003).count).toBe(1);
  });
});
