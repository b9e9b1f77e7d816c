import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { limitKey } from '../lib/client-address.ts';
import type { Keyring } from '../lib/keyring.ts';
import { type Counted, countsNow, openCounter } from './rate-limit.ts';

const WINDOW_MS = 15 * 60_000;

/** So many failures are answered at once: anybody mistypes. */
const FREE_FAILURES = 3;

/** No client waits longer than this for the answer to one failure. */
const LONGEST_DELAY_MS = 8_000;

/** Answers held back at a time; beyond that a flood would keep more of them than it has to. */
const MAX_HELD_BACK = 1_000;

export interface FailurePolicy {
  /** Wrong passwords for one account in 15 minutes before its tries are refused. */
  readonly SIGN_IN_FAILURES: number;
  /** Delay of the first answer that is held back, in milliseconds; each further one doubles it. 0: none is. */
  readonly SIGN_IN_DELAY_MS: number;
}

/** Who tries: `device` is one that this account has signed in on before. */
export interface Attempt {
  readonly email: string;
  readonly ip: string | undefined;
  readonly device: Buffer | undefined;
}

/** The counts that one attempt is held against, the narrowest first. */
export type Lanes = readonly Counted[];

/**
 * Failed proofs of a password, counted alike for accounts that exist and that do not.
 *
 * A known device has a lane of its own. Everybody else shares one for the account, and within it one for each address,
 * half as wide: a stranger at one address leaves tries to the others, and however many strangers there are, none of
 * them takes a known device's.
 */
export class SignInFailures {
  readonly #keyring: Keyring;
  readonly #delayMs: number;
  readonly #account;
  readonly #pair;
  readonly #device;
  #heldBack = 0;

  constructor(keyring: Keyring, { SIGN_IN_FAILURES: max, SIGN_IN_DELAY_MS: delayMs }: FailurePolicy) {
    const counter = (name: string, most: number) => openCounter({ name, max: most, windowMs: WINDOW_MS });
    this.#keyring = keyring;
    this.#delayMs = delayMs;
    this.#account = counter('failures-account', max);
    this.#pair = counter('failures-address', Math.ceil(max / 2));
    this.#device = counter('failures-device', max);
  }

  lanesOf({ email, ip, device }: Attempt): Lanes {
    const key = (...parts: string[]) => this.#keyring.mac('rate-limit', JSON.stringify(parts)).toString('base64url');
    if (device) return [{ counter: this.#device, key: key(email, device.toString('base64url')) }];
    return [
      { counter: this.#pair, key: key(email, ip === undefined ? '' : limitKey(ip)) },
      { counter: this.#account, key: key(email) },
    ];
  }

  /** @throws {AppError} `rate-limited` when a lane has no try left */
  async assertNotExhausted(lanes: Lanes): Promise<void> {
    const counts = await countsNow(lanes);
    const waits = counts.filter(({ count }, n) => count >= (lanes[n]?.counter.limit.max ?? 0));
    if (waits.length > 0) throw tooMany(waits.map(({ resetMs }) => resetMs));
  }

  /**
   * Counts a failure before it is answered, so that parallel ones never get more answers than there are tries.
   * @returns how long the answer should be held back, in milliseconds
   * @throws {AppError} `rate-limited` when there was no try left for it
   */
  async count(lanes: Lanes): Promise<number> {
    let failures = 0;
    // The narrow lane first: what it refuses takes no try from the wide one.
    for (const { counter, key } of lanes) {
      const { count, resetMs } = await counter.countUp(key);
      if (count > counter.limit.max) throw tooMany([resetMs]);
      failures = Math.max(failures, count);
    }
    if (failures <= FREE_FAILURES) return 0;
    return Math.min(this.#delayMs * 2 ** (failures - FREE_FAILURES - 1), LONGEST_DELAY_MS);
  }

  /** Slows down whoever guesses; whoever is right never waits. */
  async holdBack(ms: number): Promise<void> {
    if (ms <= 0 || this.#heldBack >= MAX_HELD_BACK) return;
    this.#heldBack += 1;
    try {
      await pause(ms);
    } finally {
      this.#heldBack -= 1;
    }
  }
}

const tooMany = (waits: readonly number[]): AppError =>
  new AppError('rate-limited', {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(Math.max(...waits) / 1000))) },
  });
