import { EventEmitter, once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { createHashingQueue, HashingOverloadError } from '../../src/lib/hashing-queue.ts';

/** A task that ends when told to. */
function gate<T>(value: T) {
  const ends = new EventEmitter();
  const self = {
    ran: false,
    task: async (): Promise<T> => {
      self.ran = true;
      await once(ends, 'open'); // rejects when an error is emitted instead
      return value;
    },
    open: () => ends.emit('open'),
    fail: (error: Error) => ends.emit('error', error),
  };
  return self;
}

describe('the hashing queue', () => {
  it('runs no more than its concurrency at once, in order of arrival', async () => {
    const queue = createHashingQueue({ concurrency: 2, maxQueue: 10 });
    let active = 0;
    let most = 0;
    const started: number[] = [];
    const results = Array.from({ length: 8 }, (_, index) =>
      queue.run(async () => {
        started.push(index);
        active += 1;
        most = Math.max(most, active);
        await new Promise(setImmediate);
        active -= 1;
        return index;
      }),
    );
    expect(queue.stats()).toEqual({ active: 2, queued: 6, rejected: 0 });
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(2);
    expect(queue.stats()).toEqual({ active: 0, queued: 0, rejected: 0 });
  });

  it('refuses what does not fit, at once, and has room again afterwards', async () => {
    const queue = createHashingQueue({ concurrency: 1, maxQueue: 1 });
    const [running, waiting, late] = [gate('running'), gate('waiting'), gate('late')];
    const results = [queue.run(running.task), queue.run(waiting.task)];
    await expect(queue.run(late.task)).rejects.toThrow(HashingOverloadError);
    expect(late.ran).toBe(false);
    expect(queue.stats()).toEqual({ active: 1, queued: 1, rejected: 1 });
    running.open();
    await results[0];
    await vi.waitUntil(() => waiting.ran);
    waiting.open();
    expect(await Promise.all(results)).toEqual(['running', 'waiting']);
    await expect(queue.run(async () => 'again')).resolves.toBe('again');
  });

  it('lets nobody overtake who waits', async () => {
    const queue = createHashingQueue({ concurrency: 1, maxQueue: 5 });
    const order: string[] = [];
    const record = (name: string) => async () => {
      order.push(name);
    };
    const running = gate('running');
    const first = queue.run(running.task);
    const second = queue.run(record('second'));
    await vi.waitUntil(() => running.ran);
    running.open();
    // Arrives in the very moment in which the slot changes hands.
    const third = first.then(() => queue.run(record('third')));
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
  });

  it('passes an error on and goes on with the next', async () => {
    const queue = createHashingQueue({ concurrency: 1, maxQueue: 5 });
    const broken = gate('broken');
    const results = Promise.allSettled([
      queue.run(broken.task),
      queue.run(() => {
        throw new Error('thrown, not rejected');
      }),
      queue.run(async () => 'fine'),
    ]);
    await vi.waitUntil(() => broken.ran);
    broken.fail(new Error('rejected'));
    expect((await results).map((result) => result.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(queue.stats()).toEqual({ active: 0, queued: 0, rejected: 0 });
  });

  it('without a line, runs or refuses', async () => {
    const queue = createHashingQueue({ concurrency: 1, maxQueue: 0 });
    const running = gate('running');
    const result = queue.run(running.task);
    await expect(queue.run(async () => 'too much')).rejects.toThrow(HashingOverloadError);
    running.open();
    await result;
  });

  it('refuses senseless settings', () => {
    for (const settings of [
      { concurrency: 0, maxQueue: 1 },
      { concurrency: 1.5, maxQueue: 1 },
      { concurrency: Number.NaN, maxQueue: 1 },
      { concurrency: 1, maxQueue: -1 },
    ]) {
      expect(() => createHashingQueue(settings)).toThrow(RangeError);
    }
  });
});
