import { CREDENTIAL_TYPES, Credential, PASSKEY_TRANSPORTS, SECOND_FACTORS } from '../models/credential.ts';
import * as wire from '../schemas/passkey.ts';
import { defineCollection } from './define.ts';

export const credentials = defineCollection({
  model: Credential,
  purpose: 'What an account signs in with besides its password: authenticator app, recovery codes, passkeys.',
  public: {
    name: 'Passkey: what its owner calls it; at first where it is kept, or the device.',
    transports: 'Passkey: how a browser may reach the authenticator.',
    backedUp: 'Passkey: whether its key is synchronised to other devices.',
    createdAt: 'When it was added.',
    lastUsedAt: 'When it last proved anything.',
  },
  admin: {},
  private: {
    _id: 'On the wire as `id`.',
    userId: 'The account.',
    type: 'Which kind it is; the paths below depend on it.',
    secret: 'TOTP: the shared secret.',
    confirmedAt: 'TOTP: when the first code proved that the secret arrived; it counts from then on.',
    lastStep: 'TOTP: the time step of the last code that was accepted, so that each works once.',
    codeHash: 'Recovery code: its hash.',
    credentialId: 'Passkey: base64url of its credential id.',
    publicKey: 'Passkey: base64url of its COSE public key.',
    counter: 'Passkey: signature counter of the authenticator.',
  },
  archived: ['type', 'name', 'transports', 'backedUp', 'createdAt', 'confirmedAt', 'lastUsedAt'],
  computed: { id: '`_id` as 24 hexadecimal characters.' },
  indexes: {
    idx_credentials_user_id_type: 'The credentials of an account, all or of one kind.',
    idx_credentials_credential_id: 'One account for a passkey; finding whose it is.',
    idx_credentials_user_id: 'One authenticator app for an account.',
  },
  relations: [
    { path: 'userId', to: 'users', many: true, verb: 'also signs in by', onDelete: 'Kept while it can be restored.' },
  ],
  enums: {
    'Credential type': CREDENTIAL_TYPES,
    'Second factor': SECOND_FACTORS,
    'Passkey transport': PASSKEY_TRANSPORTS,
  },
  retention: 'As long as the account, unless its owner removes it.',
  wire: [wire.Passkey],
});
