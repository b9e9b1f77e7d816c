/**
 * Asks a service of breached passwords by k-anonymity, as Have I Been Pwned offers it: it is sent the first five of the
 * forty digits of the SHA-1, answers with the rest of every hash that it knows to begin so, and learns neither the
 * password nor whether it was among them.
 */
import { createHash } from 'node:crypto';

export interface RangeService {
  /** What the five digits are appended to, such as `https://host/range/`. */
  readonly url: string;
  readonly timeoutMs: number;
}

/** The service cannot be asked, or its answer cannot be used. */
export class PasswordRangeError extends Error {
  override readonly name = 'PasswordRangeError';
}

const PREFIX_DIGITS = 5;
/** A padded answer has up to about 1,500 lines of 45 characters; this is several times that. */
const MAX_BYTES = 262_144;
const LINE = /^([0-9A-F]{35}):(\d+)$/i;

/**
 * Whether the service knows the password from a breach. Takes no longer than the timeout.
 * @throws {PasswordRangeError} or what `fetch` throws; neither says anything of the password
 */
export async function isBreached(password: string, { url, timeoutMs }: RangeService): Promise<boolean> {
  // NFC, as it is hashed.
  const hash = createHash('sha1').update(password.normalize('NFC')).digest('hex').toUpperCase();
  const response = await fetch(`${url}${hash.slice(0, PREFIX_DIGITS)}`, {
    // Lines that are made up hide, from who sees the size alone, which range it was.
    headers: { 'add-padding': 'true', accept: 'text/plain' },
    // Nobody but the service that the operator named is told even the five digits.
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new PasswordRangeError(`The answer has the status ${response.status}`);
  }
  return holds(await readBounded(response), hash.slice(PREFIX_DIGITS));
}

async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop ends the transfer.
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new PasswordRangeError(`The answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

/** Lines of made-up hashes have the count 0. */
function holds(text: string, suffix: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const entries = lines.map((line) => {
    const [, listed, count] = LINE.exec(line) ?? [];
    if (listed === undefined) throw new PasswordRangeError('The answer is not a list of hashes and counts');
    return { listed: listed.toUpperCase(), count: Number(count) };
  });
  return entries.some(({ listed, count }) => listed === suffix && count > 0);
}
