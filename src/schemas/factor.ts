import { Type } from 'typebox';
import { CODE_METHODS } from '../models/code-failures.ts';
import { CHALLENGE_METHODS } from '../models/second-factor.ts';
import { closed, Id, named, ref, Timestamp } from './common.ts';
import { assertionRef, Passkey } from './passkey.ts';
import { deviceToken, Session, SignIn, signInTransport } from './session.ts';

const Code = Type.String({
  minLength: 6,
  maxLength: 64,
  description: 'Six digits of an authenticator app, or a recovery code; spaces, hyphens and case do not matter.',
});

const Challenge = Type.String({ minLength: 1, maxLength: 128, description: 'As it came with `mfa-required`.' });

const RecoveryCodes = Type.Array(Type.String(), {
  description: 'Each works once in the place of a second factor. Shown only here.',
});

const codes = [
  '7kq2-m0dz-x4h9-pa3e',
  '0c5t-9wvn-r8jk-2eg1',
  'h6xp-4m7b-zq0s-k3d9',
  'v2na-8ry5-j1tc-6wfh',
  'e9gk-0p3z-m5xd-7bq4',
  's1vj-c8h2-t6an-9wre',
  'x7d0-q5kf-2mzp-g4yb',
  '3hwc-n9e6-8vtj-r1sa',
  'b4zq-7gx0-k5pm-d2hy',
  'j8ra-1ctv-w6ne-0f9s',
];

export const TotpFactor = named(
  'TotpFactor',
  { id: Id, createdAt: Timestamp, lastUsedAt: Type.Union([Timestamp, Type.Null()]) },
  { description: 'An authenticator app.' },
);

export const Factors = named(
  'Factors',
  {
    totp: Type.Union([ref(TotpFactor), Type.Null()], { description: 'The authenticator app, once it is confirmed.' }),
    recoveryCodes: Type.Union(
      [
        closed({
          left: Type.Integer({ description: 'Codes that were not used yet.' }),
          createdAt: Timestamp,
        }),
        Type.Null(),
      ],
      { description: 'The set of recovery codes; null when there is none, or all are used.' },
    ),
    passkeys: Type.Array(ref(Passkey), { description: 'Oldest first.' }),
  },
  { description: 'What an account signs in with besides its password.' },
);

export const TotpSetup = named(
  'TotpSetup',
  {
    secret: Type.String({ description: 'base32, to type into an app that cannot read the QR code. Shown only here.' }),
    uri: Type.String({ description: '`otpauth://`, which opens an app on the same device.' }),
    qrCode: Type.String({ description: 'The URI as a picture: an SVG as a `data:` URL.' }),
  },
  { description: 'What an authenticator app is set up with. It counts once a code of it was confirmed.' },
);

export const TotpConfirmation = named('TotpConfirmation', { code: Code }, { examples: [{ code: '492039' }] });

export const TotpConfirmed = named(
  'TotpConfirmed',
  { totp: ref(TotpFactor), recoveryCodes: Type.Optional(RecoveryCodes) },
  { description: 'The authenticator app, with recovery codes if the account had none.' },
);

export const PasskeyAdded = named(
  'PasskeyAdded',
  { passkey: ref(Passkey), recoveryCodes: Type.Optional(RecoveryCodes) },
  { description: 'The passkey, with recovery codes if the account had none.' },
);

export const RecoveryCodeSet = named(
  'RecoveryCodeSet',
  { recoveryCodes: RecoveryCodes },
  { description: 'A new set; the one before is dead.', examples: [{ recoveryCodes: codes }] },
);

export const SecondStep = named(
  'SecondStep',
  {
    challenge: Challenge,
    method: Type.Enum([...CHALLENGE_METHODS]),
    code: Type.Optional(Code),
    assertion: Type.Optional(assertionRef),
    deviceToken,
    ...signInTransport,
  },
  {
    description: '`code` with `totp` and `recovery-code`, `assertion` with `passkey`.',
    examples: [{ challenge: 'x1yq5Zy1Sx2kTt9m0OQmM6m8n2rCq3c5zJ1bq8h7fKk', method: 'totp', code: '492039' }],
  },
);

export const SecondStepPasskey = named(
  'SecondStepPasskey',
  { challenge: Challenge },
  { examples: [{ challenge: 'x1yq5Zy1Sx2kTt9m0OQmM6m8n2rCq3c5zJ1bq8h7fKk' }] },
);

export const Reauthentication = named(
  'Reauthentication',
  {
    password: Type.Optional(SignIn.properties.password),
    method: Type.Optional(Type.Enum([...CODE_METHODS])),
    code: Type.Optional(Code),
    assertion: Type.Optional(assertionRef),
  },
  {
    minProperties: 1,
    description: 'Either `password`, or `method` with `code`, or `assertion`.',
    examples: [{ method: 'totp', code: '492039' }, { password: 'correct horse battery staple' }],
  },
);

export const Reauthenticated = named(
  'Reauthenticated',
  {
    session: ref(Session),
    recentUntil: Type.String({ format: 'date-time', description: 'Until then sensitive changes are possible.' }),
  },
  { description: 'The session, which counts as freshly signed in.' },
);
