import { FINDINGS, type Finding } from '../audit/findings.ts';
import { type Anchor, type Verification, verifyAnchor, verifyAuditTrail } from '../audit/verify.ts';
import { openKeyring } from '../keyring-file.ts';
import { newestSeal } from '../models/audit-seal.ts';
import { count, showProgress } from '../progress.ts';
import { UsageError, withDatabase } from './context.ts';

interface VerifyOptions {
  readonly head?: string;
  readonly json?: true;
}

export async function verifyTrail({ head, json }: VerifyOptions): Promise<void> {
  const anchor = head === undefined ? undefined : parseAnchor(head);
  await withDatabase(async ({ config }) => {
    const progress = showProgress<number>(process.stderr, {
      total: (await newestSeal())?._id ?? 0,
      whole: 'all',
      done: (seals) => seals,
      unit: 'seals',
      counted: (seals) => seals,
    });
    const verification = await verifyAuditTrail({
      keyring: openKeyring(config),
      onSeals: (seals) => progress.update(seals),
    }).finally(() => progress.stop());
    if (anchor) await verifyAnchor(anchor, verification.verified);
    process.stdout.write(`${json ? JSON.stringify(resultOf(verification)) : textOf(verification)}\n`);
    if (verification.verified.findings > 0) process.exitCode = 1;
  });
}

function parseAnchor(text: string): Anchor {
  const [, number, hash] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined)
    throw new UsageError('--head takes what an earlier run has told: the number of a seal, a colon and its hash.');
  return { number: Number(number), hash };
}

function resultOf({ verified, head, unsealed }: Verification) {
  const { listed: findings, findings: findingCount, seals, events, erased, expired } = verified;
  return { valid: findingCount === 0, findings, findingCount, seals, events, erased, expired, unsealed, head };
}

const lineOf = ({ code, seal, event }: Finding): string =>
  `  ${code}: seal ${seal}${event === undefined ? '' : `, event ${event}`}. ${FINDINGS[code]}`;

function textOf({ verified, head, unsealed }: Verification): string {
  const { listed, findings, seals, events, erased, expired } = verified;
  return [
    `Looked at ${count(events)} events of ${count(seals)} seals. ${count(unsealed)} more wait for their seal.`,
    ...(erased > 0 ? [`Of ${count(erased)} the personal values have been erased.`] : []),
    ...(expired > 0 ? [`The events of ${count(expired)} seals have expired.`] : []),
    ...(head ? [`The newest seal is ${head.number}:${head.hash}`] : []),
    findings === 0 ? 'Nothing was tampered with.' : `TAMPERED WITH: ${count(findings)} findings.`,
    ...listed.map(lineOf),
    ...(findings > listed.length ? [`  … and ${count(findings - listed.length)} more.`] : []),
  ].join('\n');
}
