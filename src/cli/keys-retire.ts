import { AppError } from '../errors.ts';
import { openKeyring } from '../keyring-file.ts';
import { AUDIT_LIMITS, OPERATOR } from '../models/audit-event.ts';
import { findSigningKeys, retireSigningKeys, signerAt } from '../models/signing-key-rotation.ts';
import { CommandError, UsageError, withDatabase } from './context.ts';

interface RetireOptions {
  readonly all?: true;
  readonly reason?: string;
}

export async function retireSigningKey(kid: string | undefined, { all, reason }: RetireOptions): Promise<void> {
  if ((kid === undefined) === (all === undefined)) throw new UsageError('Name one key by its kid, or all by --all.');
  if (reason !== undefined && (reason.trim() === '' || reason.length > AUDIT_LIMITS.note))
    throw new UsageError(`--reason takes 1 to ${AUDIT_LIMITS.note} characters.`);
  const which = kid === undefined ? 'all' : { kid };
  await withDatabase(async ({ config }) => {
    const options = { keyring: openKeyring(config), ...(reason !== undefined && { reason }) };
    const { retired, successor } = await retireSigningKeys(OPERATOR, which, options).catch(unknownKey);
    for (const each of retired) process.stdout.write(`Retired ${each}.\n`);
    if (successor !== undefined) process.stdout.write(`${successor} signs from now on.\n`);
    process.stdout.write('Within a minute every instance refuses what a retired key signed.\n');
  });
}

/** @throws {CommandError} which keys there are */
async function unknownKey(error: unknown): Promise<never> {
  if (!(error instanceof AppError && error.code === 'not-found')) throw error;
  const keys = await findSigningKeys();
  const signer = signerAt(keys, Date.now());
  const lines = keys.map((key) => `  ${key._id}${key === signer ? ' (signs)' : stage(key)}\n`);
  throw new CommandError(`There is no such signing key. These are trusted:\n${lines.join('').trimEnd()}`);
}

const stage = ({ activatesAt }: { readonly activatesAt: Date }): string =>
  activatesAt.getTime() > Date.now() ? ` (signs from ${activatesAt.toISOString()})` : ' (has signed)';
