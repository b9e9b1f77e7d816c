import type { Types } from 'mongoose';
import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Count, type Counted, countsNow, openCounter } from './rate-limit.ts';

export const CODE_METHODS = ['totp', 'recovery-code'] as const;
export type CodeMethod = (typeof CODE_METHODS)[number];

/** Three of a million codes are right at a time, so that ten an hour take years to find one. */
const LIMIT = { max: 10, windowMs: 60 * 60_000 };

/**
 * Wrong codes of a person, whatever the challenge: whoever has the password can have as many challenges as they like.
 *
 * Each kind of code has a count of its own, and so has a device that the account has signed in on before: whoever
 * guesses one does not shut the owner out of the other.
 */
export class CodeFailures {
  readonly #keyring: Keyring;
  readonly #counters = {
    totp: openCounter({ name: 'failures-totp', ...LIMIT }),
    'recovery-code': openCounter({ name: 'failures-recovery-code', ...LIMIT }),
  };

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** @param device one that is known for the account, or the session that asks */
  laneOf(userId: Types.ObjectId, method: CodeMethod, device?: Buffer): Counted {
    const parts = ['code', userId.toHexString(), ...(device ? [device.toString('base64url')] : [])];
    const key = this.#keyring.mac('rate-limit', JSON.stringify(parts)).toString('base64url');
    return { counter: this.#counters[method], key };
  }

  /** @throws {AppError} `rate-limited` when no try is left */
  async assertNotExhausted(lane: Counted): Promise<void> {
    const [now] = await countsNow([lane]);
    if (now && now.count >= LIMIT.max) throw tooMany(now);
  }

  /** Counts a failure before it is answered. @throws {AppError} `rate-limited` when there was no try left for it */
  async count({ counter, key }: Counted): Promise<void> {
    const now = await counter.countUp(key);
    if (now.count > LIMIT.max) throw tooMany(now);
  }
}

const tooMany = ({ resetMs }: Count): AppError =>
  new AppError('rate-limited', { headers: { 'retry-after': String(Math.max(1, Math.ceil(resetMs / 1000))) } });
